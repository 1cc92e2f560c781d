package integer

import "unsafe"

// genericKernels are in plain Go, and what the others are tested against.
var genericKernels = kernels{rows: genericRows, columns: genericColumns, tiles: genericTiles(), span: 1, enough: 1 << 20, finish: 1}

const (
	genericRows    = 4
	genericColumns = 8
)

func genericTiles() []func(*tile) {
	list := make([]func(*tile), genericRows+1)
	for rows := range list {
		list[rows] = func(t *tile) { tileGeneric(t, rows) }
	}
	return list
}

func tileGeneric(t *tile, rows int) {
	for i := range rows {
		var sums [genericColumns]int32
		words := 0 // of B, so far
		for k := range t.taps {
			a := unsafe.Add(t.a, int(*(*int64)(unsafe.Add(t.offsets, k*8)))+i*t.lda)
			for q := range t.quads {
				v := (*[quad]uint8)(unsafe.Add(a, q*quad))
				a0, a1, a2, a3 := int32(v[0]), int32(v[1]), int32(v[2]), int32(v[3])
				w := (*[genericColumns * quad]int8)(unsafe.Add(t.b, words*genericColumns*quad))
				words++
				for j := range sums {
					sums[j] += a0*int32(w[j*quad]) + a1*int32(w[j*quad+1]) + a2*int32(w[j*quad+2]) + a3*int32(w[j*quad+3])
				}
			}
		}
		c, d := unsafe.Slice((*int32)(unsafe.Add(t.c, i*t.ldc)), t.columns), unsafe.Slice((*int32)(unsafe.Add(t.d, i*t.ldd)), t.columns)
		for j := range c {
			c[j] = d[j] + sums[j]
		}
	}
}
