package matrix

import (
	"unsafe"
)

// Products of integers are exact, modulo 2³². Their operands of 8 bits are put
// into words of 32 bits along the inner extent, four or two to a word, as the
// instructions want it ([IntegerWords]); with zeros behind the last. A [Product]
// of such words has Integers set, K words, and elements of C and D that are int32s.
//
// Where a word has four bytes, those of one operand are unsigned and those of the
// other signed: operands of the other sort are stored shifted by 128
// ([IntegerShift]).

// integerKernels are micro-kernels for words of integers.
type integerKernels struct {
	*kernels
	perWord int
}

// bestInteger are the kernels in use.
var bestInteger = integerKernels{&genericPairs, 2}

// Role says what an operand of a product of integers is multiplied as.
type Role uint8

// The roles.
const (
	Left Role = iota
	Right
)

// IntegerWords returns how many words hold n integers.
func IntegerWords(n int) int { return (n + bestInteger.perWord - 1) / bestInteger.perWord }

// PerWord returns how many integers a word holds.
func PerWord() int { return bestInteger.perWord }

// IntegerShift returns what is added to the elements of an operand when they are
// put into words: 128, -128 or 0.
func IntegerShift(role Role, signed bool) int32 { return bestInteger.shift(role, signed) }

func (ks *integerKernels) shift(role Role, signed bool) int32 {
	switch {
	case ks.perWord != 4 || (role == Right) == signed:
		return 0
	case signed:
		return 128
	}
	return -128
}

// Direct reports whether rows of n elements of 8 bits are words as they are.
func Direct(role Role, signed bool, n int) bool {
	return bestInteger.perWord == 4 && n%4 == 0 && bestInteger.shift(role, signed) == 0
}

// Arrange puts n = len(a) elements of 8 bits into IntegerWords(n) words.
func Arrange(words []float32, a []byte, role Role, signed bool) {
	bestInteger.arrange(words, a, role, signed)
}

func (ks *integerKernels) arrange(words []float32, a []byte, role Role, signed bool) {
	if len(words) == 0 {
		return
	}
	if ks.perWord == 4 {
		to := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*4)
		flip := byte(ks.shift(role, signed))
		for i, v := range a {
			to[i] = v ^ flip
		}
		clear(to[len(a):])
		return
	}
	to := unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*2)
	if signed {
		for i, v := range a {
			to[i] = int16(int8(v))
		}
	} else {
		for i, v := range a {
			to[i] = int16(v)
		}
	}
	clear(to[len(a):])
}

// PackIntegers packs a right operand whose element (k, j) is
// b[k*innerStep+j*columnStep], and returns the sums of the elements stored of each
// column.
func PackIntegers(b []byte, inner, columns, innerStep, columnStep int, signed bool) (*Columns, []int32) {
	return bestInteger.packColumns(b, inner, columns, innerStep, columnStep, signed)
}

// IntegerColumnsBytes returns what [PackIntegers] takes.
func IntegerColumnsBytes(inner, columns int) int64 {
	return int64(bestInteger.columnTiles(columns)*bestInteger.columns)*int64(IntegerWords(inner))*4 + int64(columns)*4
}

func (ks *integerKernels) packColumns(b []byte, inner, columns, innerStep, columnStep int, signed bool) (*Columns, []int32) {
	n, words := ks.columnTiles(columns), (inner+ks.perWord-1)/ks.perWord
	p := &Columns{inner: words, columns: columns, data: make([]float32, n*words*ks.columns), kernels: ks.kernels}
	sums := make([]int32, columns)
	column, packed := make([]byte, inner), make([]float32, words)
	shift := ks.shift(Right, signed)
	for j := range columns {
		for k := range inner {
			column[k] = b[k*innerStep+j*columnStep]
			if signed {
				sums[j] += int32(int8(column[k])) + shift
			} else {
				sums[j] += int32(column[k]) + shift
			}
		}
		ks.arrange(packed, column, Right, signed)
		first := j/ks.columns*words*ks.columns + j%ks.columns
		for k, w := range packed {
			p.data[first+k*ks.columns] = w
		}
	}
	return p, sums
}

// IntegerTiles is [Tiles] for products of integers, and so on.
func IntegerTiles(m, n int) (rows, columns int) {
	return bestInteger.rowTiles(m), bestInteger.columnTiles(n)
}

// IntegerGrid divides a product whose inner extent is in words.
func IntegerGrid(m, n, words, threads int) (rows, columns int) {
	r, c := IntegerTiles(m, n)
	return grid(r, c, bestInteger.rows*bestInteger.columns*words, threads)
}
