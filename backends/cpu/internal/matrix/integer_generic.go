package matrix

import "unsafe"

// genericPairs are in plain Go, for words of two integers of 16 bits, and what the
// others are tested against.
var genericPairs = kernels{
	rows: genericSide, columns: genericSide,
	strided: forRows(genericSide, stridedPairs),
}

type integerBlock [genericSide][genericSide]int32

func stridedPairs(t *tile, rows int) {
	t.offsets = nil
	sums := t.integerSums(rows, t.lda, 4)
	for i := range rows {
		for j, v := range sums[i][:t.columns] {
			*(*int32)(unsafe.Add(t.c, i*t.ldc+j*4)) = v
		}
	}
}

// integerSums returns D + A·B.
func (t *tile) integerSums(rows, rowStep, innerStep int) (sums integerBlock) {
	for i := range rows {
		for j := range t.columns {
			switch t.start {
			case fromMatrix:
				sums[i][j] = *(*int32)(unsafe.Add(t.d, i*t.ldd+j*4))
			case fromColumn:
				sums[i][j] = *(*int32)(unsafe.Add(t.d, i*4))
			}
		}
	}
	for k := range t.inner {
		b := t.row(k)
		for i := range rows {
			a := loadPair(t.a, i*rowStep+k*innerStep)
			for j := range t.columns {
				v := loadPair(b, j*4)
				sums[i][j] += int32(a[0])*int32(v[0]) + int32(a[1])*int32(v[1])
			}
		}
	}
	return sums
}

func loadPair(p unsafe.Pointer, bytes int) [2]int16 { return *(*[2]int16)(unsafe.Add(p, bytes)) }
