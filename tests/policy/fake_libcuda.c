/* A libcuda for tests: its GPUs are those of the variable FAKE_GPUS, one a line:
 *     name|major|minor|SMs|memory in MiB|uuid, 32 hex digits|bus
 * FAKE_INIT is what cuInit returns, FAKE_CUDA the release (12040), FAKE_PEER the access between any two GPUs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char name[128], uuid[33], bus[32];
    int major, minor, sms;
    unsigned long memory;
} Gpu;

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static int gpus(Gpu *found) {
    const char *at = getenv("FAKE_GPUS");
    int count = 0;
    while (at && *at && sscanf(at, "%127[^|]|%d|%d|%d|%lu|%32[^|]|%31[^\n]", found[count].name, &found[count].major,
                               &found[count].minor, &found[count].sms, &found[count].memory, found[count].uuid,
                               found[count].bus) == 7) {
        count++;
        at = strchr(at, '\n');
        if (at)
            at++;
    }
    return count;
}

static Gpu *gpu(int device) {
    static Gpu found[16];
    gpus(found);
    return &found[device];
}

int cuInit(unsigned flags) { return flags ? 1 : number("FAKE_INIT", 0); }
int cuDriverGetVersion(int *version) { return *version = number("FAKE_CUDA", 12040), 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetCount(int *count) {
    static Gpu found[16];
    return *count = gpus(found), number("FAKE_COUNT_ERROR", 0);
}
int cuDeviceGetName(char *name, int length, int device) {
    return snprintf(name, length, "%s", gpu(device)->name), 0;
}
int cuDeviceGetPCIBusId(char *bus, int length, int device) { return snprintf(bus, length, "%s", gpu(device)->bus), 0; }
int cuDeviceGetUuid(unsigned char *uuid, int device) {
    for (int i = 0; i < 16; i++) {
        unsigned byte;
        sscanf(gpu(device)->uuid + 2 * i, "%2x", &byte);
        uuid[i] = byte;
    }
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = gpu(device)->memory << 20, 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    Gpu *asked = gpu(device);
    if (attribute != 16 && attribute != 75 && attribute != 76)
        return 1;
    *value = attribute == 16 ? asked->sms : attribute == 75 ? asked->major : asked->minor;
    return 0;
}
int cuDeviceGetP2PAttribute(int *value, int attribute, int first, int second) {
    if (first == second)
        return 101;
    return *value = attribute == 2 ? number("FAKE_PEER", 1) : 0, 0;
}
int cuGetErrorName(int status, const char **name) {
    *name = status == 100   ? "CUDA_ERROR_NO_DEVICE"
            : status == 803 ? "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
            : status == 999 ? "CUDA_ERROR_UNKNOWN"
                            : NULL;
    return *name ? 0 : 1;
}
