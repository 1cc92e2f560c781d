//go:build !noasm && gc

package integer

import "example.com/midplane/backends/cpu/internal/isa"

func init() {
	switch {
	case isa.VNNI:
		best = &kernelsVNNI
	case isa.Best >= isa.AVX2:
		best = &kernelsAVX2
	}
	switch isa.Best {
	case isa.AVX512:
		functionsAVX512.use()
	case isa.AVX2:
		functionsAVX2.use()
	}
}
