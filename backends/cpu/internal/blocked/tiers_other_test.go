//go:build !amd64 || noasm || !gc

package blocked

// available are the plain kernels, the only ones here.
func available() map[string]*kernels { return map[string]*kernels{"generic": &genericKernels} }
