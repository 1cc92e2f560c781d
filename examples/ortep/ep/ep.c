/*
 * An execution provider of a vendor's for ONNX Runtime, as small as one can be:
 * it takes float Relu nodes, each by itself, and computes them on the processor.
 * A real one would copy to its hardware in compute().
 *
 * ONNX Runtime finds the provider through the two functions at the end of this
 * file. Everything else hangs on three tables of function pointers: the factory
 * (one per library), the provider (one per session) and what a claimed node was
 * compiled to.
 */
#include <stdlib.h>
#include <string.h>

#include "onnxruntime_c_api.h"

/* The newest version of the interface of which members are used here. ONNX
 * Runtime does not look at members that came later. */
enum { INTERFACE = 23 };

static const OrtApi* api;
static const OrtEpApi* ep_api;

/* TRY returns the status of a call that failed. */
#define TRY(call)                 \
  do {                            \
    OrtStatus* status = (call);   \
    if (status) return status;    \
  } while (0)

/* What a node was compiled to. */

static OrtStatus* create_state(OrtNodeComputeInfo* self, OrtNodeComputeContext* context, void** state) {
  (void)self, (void)context;
  *state = NULL;
  return NULL;
}

static void release_state(OrtNodeComputeInfo* self, void* state) { (void)self, (void)state; }

static OrtStatus* compute(OrtNodeComputeInfo* self, void* state, OrtKernelContext* context) {
  (void)self, (void)state;
  const OrtValue* in;
  TRY(api->KernelContext_GetInput(context, 0, &in));
  OrtTensorTypeAndShapeInfo* info;
  TRY(api->GetTensorTypeAndShape(in, &info));
  size_t rank = 0, n = 0;
  int64_t dims[32];
  OrtStatus* status = api->GetDimensionsCount(info, &rank);
  if (!status && rank > 32) status = api->CreateStatus(ORT_INVALID_ARGUMENT, "more than 32 axes");
  if (!status) status = api->GetDimensions(info, dims, rank);
  if (!status) status = api->GetTensorShapeElementCount(info, &n);
  api->ReleaseTensorTypeAndShapeInfo(info);
  TRY(status);
  OrtValue* out;
  TRY(api->KernelContext_GetOutput(context, 0, dims, rank, &out));
  void *from, *to;
  TRY(api->GetTensorMutableData((OrtValue*)in, &from));
  TRY(api->GetTensorMutableData(out, &to));
  const float* x = from;
  float* y = to;
  for (size_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i]; /* NaN stays NaN */
  return NULL;
}

/* The provider. */

static const char* ep_name(const OrtEp* self) {
  (void)self;
  return "ExampleExecutionProvider";
}

/* is_relu says whether a node is a Relu of floats. */
static OrtStatus* is_relu(const OrtNode* node, int* yes) {
  *yes = 0;
  const char *type, *domain;
  TRY(api->Node_GetOperatorType(node, &type));
  TRY(api->Node_GetDomain(node, &domain));
  if (strcmp(type, "Relu") != 0 || domain[0] != 0) return NULL;
  const OrtValueInfo* input;
  TRY(api->Node_GetInputs(node, &input, 1));
  const OrtTypeInfo* info;
  TRY(api->GetValueInfoTypeInfo(input, &info));
  const OrtTensorTypeAndShapeInfo* tensor;
  TRY(api->CastTypeInfoToTensorInfo(info, &tensor));
  ONNXTensorElementDataType element;
  TRY(api->GetTensorElementType(tensor, &element));
  *yes = element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  return NULL;
}

static OrtStatus* get_capability(OrtEp* self, const OrtGraph* graph, OrtEpGraphSupportInfo* support) {
  (void)self;
  size_t n;
  TRY(api->Graph_GetNumNodes(graph, &n));
  const OrtNode** nodes = calloc(n + 1, sizeof *nodes);
  if (!nodes) return api->CreateStatus(ORT_FAIL, "out of memory");
  OrtStatus* status = api->Graph_GetNodes(graph, nodes, n);
  for (size_t i = 0; i < n && !status; i++) {
    int yes;
    status = is_relu(nodes[i], &yes);
    if (!status && yes) status = ep_api->EpGraphSupportInfo_AddNodesToFuse(support, &nodes[i], 1, NULL);
  }
  free(nodes);
  return status;
}

static OrtStatus* compile(OrtEp* self, const OrtGraph** graphs, const OrtNode** fused, size_t count,
                          OrtNodeComputeInfo** infos, OrtNode** contexts) {
  (void)self, (void)graphs, (void)fused, (void)contexts;
  for (size_t i = 0; i < count; i++) {
    infos[i] = calloc(1, sizeof **infos);
    if (!infos[i]) return api->CreateStatus(ORT_FAIL, "out of memory");
    infos[i]->ort_version_supported = INTERFACE;
    infos[i]->CreateState = create_state;
    infos[i]->Compute = compute;
    infos[i]->ReleaseState = release_state;
  }
  return NULL;
}

static void release_compiled(OrtEp* self, OrtNodeComputeInfo** infos, size_t count) {
  (void)self;
  for (size_t i = 0; i < count; i++) free(infos[i]);
}

/* The factory. */

static const char* factory_name(const OrtEpFactory* self) {
  (void)self;
  return ep_name(NULL);
}

static const char* factory_vendor(const OrtEpFactory* self) {
  (void)self;
  return "example";
}

static uint32_t factory_vendor_id(const OrtEpFactory* self) {
  (void)self;
  return 0xE9A3;
}

static const char* factory_version(const OrtEpFactory* self) {
  (void)self;
  return "1.0.0";
}

/* supported_devices claims the first processor: the example's stand-in for a
 * piece of hardware. */
static OrtStatus* supported_devices(OrtEpFactory* self, const OrtHardwareDevice* const* devices, size_t n,
                                    OrtEpDevice** claimed, size_t most, size_t* count) {
  *count = 0;
  for (size_t i = 0; i < n && *count == 0 && most > 0; i++)
    if (api->HardwareDevice_Type(devices[i]) == OrtHardwareDeviceType_CPU) {
      TRY(ep_api->CreateEpDevice(self, devices[i], NULL, NULL, &claimed[0]));
      *count = 1;
    }
  return NULL;
}

static OrtStatus* create_ep(OrtEpFactory* self, const OrtHardwareDevice* const* devices,
                            const OrtKeyValuePairs* const* metadata, size_t n, const OrtSessionOptions* options,
                            const OrtLogger* logger, OrtEp** out) {
  (void)self, (void)devices, (void)metadata, (void)n, (void)options, (void)logger;
  OrtEp* ep = calloc(1, sizeof *ep);
  if (!ep) return api->CreateStatus(ORT_FAIL, "out of memory");
  ep->ort_version_supported = INTERFACE;
  ep->GetName = ep_name;
  ep->GetCapability = get_capability;
  ep->Compile = compile;
  ep->ReleaseNodeComputeInfos = release_compiled;
  *out = ep;
  return NULL;
}

static void release_ep(OrtEpFactory* self, OrtEp* ep) {
  (void)self;
  free(ep);
}

/* Memory is the processor's: no allocator and no copies of the provider's own. */

static OrtStatus* no_allocator(OrtEpFactory* self, const OrtMemoryInfo* info, const OrtKeyValuePairs* options,
                               OrtAllocator** out) {
  (void)self, (void)info, (void)options;
  *out = NULL;
  return NULL;
}

static void release_allocator(OrtEpFactory* self, OrtAllocator* allocator) { (void)self, (void)allocator; }

static OrtStatus* no_transfer(OrtEpFactory* self, OrtDataTransferImpl** out) {
  (void)self;
  *out = NULL;
  return NULL;
}

static bool is_stream_aware(const OrtEpFactory* self) {
  (void)self;
  return false;
}

static OrtEpFactory factory = {
    .ort_version_supported = INTERFACE,
    .GetName = factory_name,
    .GetVendor = factory_vendor,
    .GetVendorId = factory_vendor_id,
    .GetVersion = factory_version,
    .GetSupportedDevices = supported_devices,
    .CreateEp = create_ep,
    .ReleaseEp = release_ep,
    .CreateAllocator = no_allocator,
    .ReleaseAllocator = release_allocator,
    .CreateDataTransfer = no_transfer,
    .IsStreamAware = is_stream_aware,
};

/* What the library exports. */

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

EXPORT OrtStatus* CreateEpFactories(const char* name, const OrtApiBase* base, const OrtLogger* logger,
                                    OrtEpFactory** factories, size_t most, size_t* count) {
  (void)name, (void)logger;
  *count = 0;
  api = base->GetApi(INTERFACE);
  if (!api || most < 1) return NULL; /* too old for this provider: it has nothing to offer */
  ep_api = api->GetEpApi();
  factories[0] = &factory;
  *count = 1;
  return NULL;
}

EXPORT OrtStatus* ReleaseEpFactory(OrtEpFactory* released) {
  (void)released;
  return NULL;
}
