// Package onnxgo runs models that onnx-go (github.com/owulveryck/onnx-go) decodes
// on any midplane device. A [Backend] is one of onnx-go's computation backends:
//
//	backend := onnxgo.New("cpu")
//	model := onnx.NewModel(backend)
//	err := model.UnmarshalBinary(data)
//	err = model.SetInput(0, picture)
//	err = backend.Run()
//	outputs, err := model.GetOutputTensors()
//
// The device has to be linked into the program, as for package models.
//
// # What onnx-go loses
//
// onnx-go's decoder hands over less than a file holds. Package models reads all
// of it, in one line:
//
//	session, err := models.Load(ctx, "model.onnx", nil)
//
// These make UnmarshalBinary fail before a backend sees them, some by a panic of
// onnx-go's:
//
//   - attributes that are graphs, so If, Loop, Scan and SequenceMap; attributes
//     that are types, lists of tensors or sparse tensors
//   - inputs, outputs and intermediate values declared as sequences, optionals,
//     maps or sparse tensors, or as tensors of float16, bfloat16, or anything
//     narrower but int8 and uint8
//   - initializers and tensor attributes that are not bool, int32, int64, float32
//     or float64, that are bool in raw form, that have no elements, or that lie
//     in other files
//   - declared extents below 0
//
// These are a [*LossError] of [Backend.Run] where the model needs them:
//
//   - domains of operators. An operator that only another domain of ONNX's has is
//     found there. One of a domain of somebody else's, or a function of the
//     model, is an error, unless its name is that of an operator of ONNX's: then
//     it is taken for that one.
//   - operator-set versions: see [Backend.Opsets].
//   - values of attributes whose type the file does not state
//   - sparse initializers
//
// These are lost without harm: names of nodes, documentation, metadata, and the
// declared shapes of inputs with symbolic extents, which are not checked.
//
// Kept, although onnx-go's own backend loses them: an operator that reads one
// value twice, inputs and outputs left out in front of others, and the order of
// inputs among which are some that have initializers.
package onnxgo
