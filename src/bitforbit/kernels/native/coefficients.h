/* Written by `python -m bitforbit.kernels.coefficients`; do not edit. Lowest power first. */
#ifndef BFB_COEFFICIENTS_H
#define BFB_COEFFICIENTS_H

/* q: exp(r) = 1 + r + r^2 q(r), |r| <= ln2/2; relative error 2^-26.5 */
static const float EXPF[5] = {
    0x1.0000000000000p-1f,
    0x1.5554dc0000000p-3f,
    0x1.55551a0000000p-5f,
    0x1.120b6e0000000p-7f,
    0x1.6d110a0000000p-10f,
};

/* q: exp(r) = 1 + r + r^2 q(r), |r| <= ln2/2; relative error 2^-32.1 */
static const double EXPD[6] = {
    0x1.0000000b9129bp-1,
    0x1.5555555a78ed4p-3,
    0x1.5554e9063586ep-5,
    0x1.1110e0f238322p-7,
    0x1.6d43246b523b4p-10,
    0x1.a124f19fe89acp-13,
};

/* P: erfc(x) = exp(-x^2) r P(r), r = 1/(x + 3), 0 <= x <= 9.3; relative error 2^-28.6 */
static const double ERFC[11] = {
    0x1.20cd89d60b816p-1,
    0x1.b35415f09cf2ap+0,
    0x1.24592aa89b408p+2,
    0x1.078af04613ce1p+4,
    -0x1.25060c576cbb7p+3,
    0x1.5dad1d9f71dc3p+8,
    -0x1.2d2f5cda8d057p+10,
    0x1.06fe27ec2096ep+12,
    -0x1.b78ab182abfaep+12,
    0x1.2383a4b3cca4fp+12,
    -0x1.443295414405ap+9,
};

/* q: atan(t) = t + t s q(s), s = t^2 <= 1; relative error 2^-37.1 */
static const double ATAN[13] = {
    -0x1.555555552843ap-2,
    0x1.9999992244316p-3,
    -0x1.24922eae8609bp-3,
    0x1.c717c7c1bc05ap-4,
    -0x1.7425acb13e55ep-4,
    0x1.39851af4a0e9ep-4,
    -0x1.09b5c76aff80ep-4,
    0x1.b1b76c9c6a591p-5,
    -0x1.3d9456c30b29cp-5,
    0x1.7ce6bf2e13f66p-6,
    -0x1.501b58d7c5d83p-7,
    0x1.78e5494f454ddp-9,
    -0x1.8c3df2f8025f2p-12,
};

/* q: log(m) = 2 s + s^3 q(s^2), s = (m - 1)/(m + 1), sqrt(1/2) <= m <= sqrt(2); relative error 2^-43.1 */
static const double LOG[5] = {
    0x1.5555555564e96p-1,
    0x1.999998cafbf2ap-2,
    0x1.249323e4d7fc7p-2,
    0x1.c67ada017cf97p-3,
    0x1.8c8c11e54d389p-3,
};

/* P: ndtri(1/2 + x) = x P(x^2), |x| <= 3/8; relative error 2^-31.7 */
static const double NDTRI[12] = {
    0x1.40d931fe85870p+1,
    0x1.4ffde58d3da32p+1,
    0x1.716cacb320758p+2,
    0x1.f683698324678p+3,
    0x1.651923a70f88fp+5,
    0x1.e680e39c16e63p+7,
    -0x1.bc7c96d527a60p+10,
    0x1.246fcbb6fabafp+15,
    -0x1.5dcf6e0c9bbdap+18,
    0x1.1fbd70d952427p+21,
    -0x1.06c34479a04e6p+23,
    0x1.c80e3c12ea804p+23,
};

/* P: -ndtri(q) = P(s) / s, s = 1/(r + 2), r = sqrt(-2 log q), 2^-126 <= q <= 1/8; relative error 2^-35.0 */
static const double NDTRI_TAIL[13] = {
    0x1.000807a963b47p+0,
    -0x1.02f3acb1620abp+1,
    -0x1.1c2b7587f4f27p+2,
    0x1.2a2462bea3051p+4,
    -0x1.70969689a2aaap+7,
    0x1.63c3a7bad370fp+10,
    -0x1.15f0a02c613ddp+13,
    0x1.4c5f1340b86b4p+15,
    -0x1.28b6392861f63p+17,
    0x1.7cfb361bc3653p+18,
    -0x1.4c14fa153c29dp+19,
    0x1.5f78ed3629271p+19,
    -0x1.5571dd5eb8fbbp+18,
};

/* c: (1 - e)^(-1/2) for the integer seed's |e| <= 0.0705; relative error 2^-15.1 */
static const float RSQRT[3] = {
    0x1.0000000000000p+0f,
    0x1.0099220000000p-1f,
    0x1.810c060000000p-2f,
};

#endif
