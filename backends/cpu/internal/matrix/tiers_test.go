package matrix

// available are the kernels that this processor runs, by name.
func available() map[string]*kernels { return map[string]*kernels{"generic": &genericKernels} }

// filtering are implementations on planes.
type filtering struct {
	filter   func(dst, image, weights []float32, offsets []int64, rows, columns, step int, bias, low, high float32)
	envelope func(dst, image []float32, offsets []int64, rows, columns, step int)
}

func filters() map[string]filtering {
	return map[string]filtering{"generic": {filterGeneric, envelopeGeneric}}
}
