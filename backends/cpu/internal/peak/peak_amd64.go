//go:build !noasm && gc

package peak

import "example.com/midplane/backends/cpu/internal/isa"

func init() {
	switch isa.Best {
	case isa.AVX512:
		Floats = Rate{floatsAVX512, floatsPerTurnAVX512}
	case isa.AVX2:
		Floats = Rate{floatsAVX2, floatsPerTurnAVX2}
	}
	switch {
	case isa.VNNI:
		Bytes = Rate{bytesAVX512, bytesPerTurnAVX512}
	case isa.Best >= isa.AVX2:
		Bytes = Rate{bytesAVX2, bytesPerTurnAVX2}
	}
}
