package matrix

import (
	"math/bits"
	"unsafe"
)

const genericSide = 4

// genericKernels are in plain Go, and what the others are tested against.
var genericKernels = kernels{
	rows: genericSide, columns: genericSide,
	strided:  forRows(genericSide, stridedGeneric),
	packed:   forRows(genericSide, packedGeneric),
	indirect: forRows(genericSide, indirectGeneric),
}

// forRows makes a list of kernels of one that is told its rows.
func forRows(most int, kernel func(t *tile, rows int)) []func(*tile) {
	list := make([]func(*tile), most+1)
	for rows := range list {
		list[rows] = func(t *tile) { kernel(t, rows) }
	}
	return list
}

func stridedGeneric(t *tile, rows int) {
	t.offsets = nil
	sums := t.sums(rows, t.lda, 4)
	t.store(&sums, rows)
}

func packedGeneric(t *tile, rows int) {
	t.offsets = nil
	sums := t.sums(rows, 4, rows*4)
	t.store(&sums, rows)
}

func indirectGeneric(t *tile, rows int) {
	sums := t.sums(rows, 4, rows*4)
	t.compress(&sums, rows)
}

type block [genericSide][genericSide]float32

// sums returns D + A·B, where elements of A lie rowStep and innerStep bytes
// apart.
func (t *tile) sums(rows, rowStep, innerStep int) block {
	if rows == genericSide && t.columns == genericSide {
		return t.fullSums(rowStep, innerStep)
	}
	sums := t.startSums(rows)
	for k := range t.inner {
		b := t.row(k)
		for i := range rows {
			a := load(t.a, i*rowStep+k*innerStep)
			for j := range t.columns {
				sums[i][j] += a * load(b, j*4)
			}
		}
	}
	return sums
}

// fullSums is sums of a tile of full size, held in registers.
func (t *tile) fullSums(rowStep, innerStep int) block {
	s := t.startSums(genericSide)
	s00, s01, s02, s03 := s[0][0], s[0][1], s[0][2], s[0][3]
	s10, s11, s12, s13 := s[1][0], s[1][1], s[1][2], s[1][3]
	s20, s21, s22, s23 := s[2][0], s[2][1], s[2][2], s[2][3]
	s30, s31, s32, s33 := s[3][0], s[3][1], s[3][2], s[3][3]
	for k := range t.inner {
		b := (*[4]float32)(t.row(k))
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		from := k * innerStep
		a := load(t.a, from)
		s00, s01, s02, s03 = s00+a*b0, s01+a*b1, s02+a*b2, s03+a*b3
		a = load(t.a, from+rowStep)
		s10, s11, s12, s13 = s10+a*b0, s11+a*b1, s12+a*b2, s13+a*b3
		a = load(t.a, from+2*rowStep)
		s20, s21, s22, s23 = s20+a*b0, s21+a*b1, s22+a*b2, s23+a*b3
		a = load(t.a, from+3*rowStep)
		s30, s31, s32, s33 = s30+a*b0, s31+a*b1, s32+a*b2, s33+a*b3
	}
	return block{{s00, s01, s02, s03}, {s10, s11, s12, s13}, {s20, s21, s22, s23}, {s30, s31, s32, s33}}
}

// startSums returns D.
func (t *tile) startSums(rows int) (sums block) {
	for i := range rows {
		for j := range t.columns {
			switch t.start {
			case fromMatrix:
				sums[i][j] = load(t.d, i*t.ldd+j*4)
			case fromColumn:
				sums[i][j] = load(t.d, i*4)
			}
		}
	}
	return sums
}

// row returns the address of row k of B.
func (t *tile) row(k int) unsafe.Pointer {
	if t.offsets != nil {
		return unsafe.Add(t.b, *(*int64)(unsafe.Add(t.offsets, k*8)))
	}
	return unsafe.Add(t.b, k*t.ldb)
}

func (t *tile) store(sums *block, rows int) {
	for i := range rows {
		for j, v := range sums[i][:t.columns] {
			*(*float32)(unsafe.Add(t.c, i*t.ldc+j*4)) = min(max(v, t.low), t.high)
		}
	}
}

// compress stores the columns that keep names, side by side.
func (t *tile) compress(sums *block, rows int) {
	for i := range rows {
		to := i * t.ldc
		for keep := t.keep; keep != 0; keep &= keep - 1 {
			*(*float32)(unsafe.Add(t.c, to)) = min(max(sums[i][bits.TrailingZeros64(keep)], t.low), t.high)
			to += 4
		}
	}
}

func load(p unsafe.Pointer, bytes int) float32 { return *(*float32)(unsafe.Add(p, bytes)) }
