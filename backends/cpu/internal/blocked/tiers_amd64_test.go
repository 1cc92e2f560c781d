//go:build !noasm && gc

package blocked

import "example.com/midplane/backends/cpu/internal/isa"

// available are the kernels that this processor runs, by name.
func available() map[string]*kernels {
	list := map[string]*kernels{"generic": &genericKernels}
	if isa.Best >= isa.AVX2 {
		list["avx2"] = &kernelsAVX2
	}
	if isa.Best >= isa.AVX512 {
		list["avx512"] = &kernelsAVX512
	}
	return list
}
