//go:build !noasm && gc

package blocked

import "example.com/midplane/backends/cpu/internal/isa"

func init() {
	switch {
	case isa.Best >= isa.AVX512:
		best = &kernelsAVX512
	case isa.Best == isa.AVX2:
		best = &kernelsAVX2
	}
}
