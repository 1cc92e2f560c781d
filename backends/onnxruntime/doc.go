// Package onnxruntime runs models on any ONNX Runtime library, 1.22 or later,
// and on its execution providers. The library is loaded at run time, without
// cgo; nothing of it is needed to build.
//
// Importing the package registers the driver "onnxruntime":
//
//	import _ "example.com/midplane/backends/onnxruntime"
//
// # Finding the library
//
// [Driver.Library] names it, else the environment variable MIDPLANE_ONNXRUNTIME,
// else the system's loader finds it under its usual names. Where there is none
// the driver lists one device that says what is missing. In midplane's tree,
// make deps-onnxruntime fetches one and prints its path.
//
// # Devices
//
// Every execution provider on a piece of hardware is a device: onnxruntime:0 is
// the processor, onnxruntime:1 and up are what the library brings beyond that
// and then the vendors' providers that [Driver.Providers] or the environment
// variable MIDPLANE_ONNXRUNTIME_EP names (NAME=PATH, several with commas
// between). Other providers than the processor's get what they do not take run
// by the processor's, as ONNX Runtime does it; the placement tells. A device
// opened with driver.Options.Strict declines instead, and has the graph run as
// it is, without ONNX Runtime's optimisations.
//
// A device works synchronously on memory of the host, which it takes where it
// lies; ONNX Runtime copies what a provider needs elsewhere. It offers what that
// allows (Copier, Statter, HostMapper, HostImporter) and nothing else: streams,
// events and other memory kinds are absent.
//
// # Models and operators
//
// A model is taken as a whole where ONNX Runtime accepts it, in the form of its
// file ([Device.Compile]). Else it is asked about single nodes
// ([Device.Supports]): whether a session of the node alone can be made. Such
// sessions share one pool of threads, as wide as the processor, unless
// driver.Options.Threads is 1.
//
// Inputs are not copied, nor are outputs of declared shape; other outputs are
// copied once. An input that is an optional without a value is left out, which
// is how ONNX Runtime expects it.
//
// # Environment
//
// ONNX Runtime itself reads ALLOW_RELEASED_ONNX_OPSET_ONLY: with 0 it takes
// models under operator sets that are not released yet. Its StringNormalizer
// needs the locale en_US.UTF-8 to be installed.
//
// # Failures
//
// Errors are driver.Errors with the code and text of ONNX Runtime's status and
// the name of the function that returned it. A crash of native code cannot be
// caught: it ends the process. All native code is called through invoke, and a
// program sees none but the interfaces of packages driver and operators, whose
// arguments are bytes of models, tensors and names. To keep crashes out of a
// process, a driver that serves these interfaces from a child process would take
// the place of [Driver]; nothing else would have to change.
package onnxruntime
