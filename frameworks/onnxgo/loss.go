package onnxgo

import "strings"

// LossError says what onnx-go's decoder left out of a model that the model
// cannot run without.
type LossError struct {
	Lost []string // each with the node or the value that needs it
}

// Error lists all that was lost, and names the way round.
func (e *LossError) Error() string {
	return "onnxgo: onnx-go's decoder lost what the model needs: " + strings.Join(e.Lost, "; ") +
		` (models.Load(ctx, "model.onnx", nil) reads the file without loss)`
}
