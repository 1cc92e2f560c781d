package matrix

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asBytes returns n random bytes, the extremes among them.
func asBytes(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	v := make([]byte, n)
	for i := range v {
		if v[i] = byte(r.IntN(256)); r.IntN(3) == 0 {
			v[i] = [...]byte{0, 127, 128, 255}[r.IntN(4)]
		}
	}
	return v
}

func value(v byte, signed bool) int32 {
	if signed {
		return int32(int8(v))
	}
	return int32(v)
}

func integersIn(v []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

func eachSign(test func(left, right bool)) {
	for i := range 4 {
		test(i&1 != 0, i&2 != 0)
	}
}

func TestIntegerProduct(t *testing.T) {
	for name, ks := range availableInteger() {
		t.Run(name, func(t *testing.T) {
			eachSign(func(leftSigned, rightSigned bool) {
				for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {4, 16, 4}, {1, 40, 9}, {7, 33, 0}, {20, 70, 31}, {29, 17, 61}, {5, 33, 1100}, {14, 32, 64}} {
					checkIntegerProduct(t, ks, s[0], s[1], s[2], leftSigned, rightSigned)
				}
				for rows := 1; rows <= 16; rows++ {
					checkIntegerProduct(t, ks, rows, 37, 13, leftSigned, rightSigned)
				}
			})
		})
	}
}

func checkIntegerProduct(t *testing.T, ks *integerKernels, m, n, k int, leftSigned, rightSigned bool) {
	a, b := asBytes(m*k), asBytes(k*n+1)
	words := (k + ks.perWord - 1) / ks.perWord
	arranged := make([]float32, m*words)
	for i := range m {
		ks.arrange(arranged[i*words:][:words], a[i*k:][:k], Left, leftSigned)
	}
	packed, sums := ks.packColumns(b, k, n, n, 1, rightSigned)
	shiftA, shiftB := ks.shift(Left, leftSigned), ks.shift(Right, rightSigned)
	row := make([]float32, n)
	for j := range n {
		integersIn(row)[j] = int32(j) - shiftA*sums[j]
	}
	c := make([]float32, m*n)
	p := Product{M: m, N: n, K: words, A: arranged, AStep: words, PackedB: packed, C: c, CStep: n, Row: row, Integers: true, kernels: ks.kernels}
	p.Rectangle(0, ks.rowTiles(m), 0, ks.columnTiles(n))
	for i := range m {
		for j := range n {
			want := int32(j)
			for x := range k {
				want += value(a[i*k+x], leftSigned) * (value(b[x*n+j], rightSigned) + shiftB)
			}
			require.Equal(t, want, integersIn(c)[i*n+j], "%d × %d × %d, signed %v %v, element %d, %d", m, k, n, leftSigned, rightSigned, i, j)
		}
	}
}

func TestDirect(t *testing.T) {
	if PerWord() != 4 {
		assert.False(t, Direct(Left, false, 4))
		return
	}
	assert.True(t, Direct(Left, false, 8))
	assert.False(t, Direct(Left, true, 8))
	assert.False(t, Direct(Left, false, 7))
	assert.True(t, Direct(Right, true, 4))
}
