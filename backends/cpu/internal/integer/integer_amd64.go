//go:build !noasm && gc

package integer

import "example.com/midplane/backends/cpu/internal/isa"

func init() {
	if isa.VNNI {
		planes = planesVNNI
	}
	switch {
	case isa.Best >= isa.AMX:
		best = &kernelsAMX
	case isa.VNNI:
		best = &kernelsVNNI
	case isa.Best >= isa.AVX2:
		best = &kernelsAVX2
	}
	switch {
	case isa.Best >= isa.AVX512:
		functionsAVX512.use()
	case isa.Best == isa.AVX2:
		functionsAVX2.use()
	}
}
