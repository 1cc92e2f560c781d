// Package ortep is an example of a vendor's execution provider for ONNX Runtime
// and of how midplane scores it. The provider itself, in C, is ep/ep.c: it takes
// float Relu nodes and nothing else.
//
// A vendor builds the library against ONNX Runtime's public headers,
//
//	cc -shared -fPIC -I HEADERS -o libep.so ep/ep.c
//
// names it to midplane, which lists the provider as a device after those that
// ONNX Runtime brings itself,
//
//	export MIDPLANE_ONNXRUNTIME=/path/to/libonnxruntime.so
//	export MIDPLANE_ONNXRUNTIME_EP=example=/path/to/libep.so
//	midplane devices
//
// and has it scored: what the provider does not take itself is unsupported, for
// ONNX Runtime's own kernels may not help out.
//
//	midplane conform --device onnxruntime:1 --onnx DIR
//
// The package's test does the same, where there are a C compiler, the headers
// and ONNX Runtime.
package ortep
