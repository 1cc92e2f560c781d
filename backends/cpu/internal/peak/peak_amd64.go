//go:build !noasm && gc

package peak

import "example.com/midplane/backends/cpu/internal/isa"

func init() {
	switch {
	case isa.Best >= isa.AVX512:
		Floats = Rate{floatsAVX512, floatsPerTurnAVX512}
	case isa.Best >= isa.AVX2:
		Floats = Rate{floatsAVX2, floatsPerTurnAVX2}
	}
	switch {
	case isa.Best >= isa.AMX:
		Bytes = Rate{func(n int) { bytesAMX(&wholeTiles, n) }, bytesPerTurnAMX}
	case isa.VNNI:
		Bytes = Rate{bytesAVX512, bytesPerTurnAVX512}
	case isa.Best >= isa.AVX2:
		Bytes = Rate{bytesAVX2, bytesPerTurnAVX2}
	}
}

// wholeTiles is what LDTILECFG takes for eight tiles of 16 rows of 64 bytes: the
// palette, from byte 16 on the bytes in a row of each as 16-bit numbers, from byte 48
// on the rows.
var wholeTiles = func() (c [64]byte) {
	c[0] = 1
	for tile := range 8 {
		c[16+2*tile], c[48+tile] = 64, 16
	}
	return c
}()
