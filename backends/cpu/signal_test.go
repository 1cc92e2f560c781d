package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// checkFourier holds a transform against the reference. Both compute in float32
// where the inverse of float32 is wanted, in different orders.
func checkFourier(t *testing.T, op string, attributes []graph.Attribute, inputs ...*tensor.Tensor) {
	t.Helper()
	a := agreement{op: op, kernel: "fourier", attributes: attributes, inputs: inputs, tolerance: 1e-6}
	if inputs[0].DType() == tensor.Float64 {
		a.tolerance = 1e-13
	}
	a.check(t)
}

func TestDFT(t *testing.T) {
	inverse, onesided := graph.A("inverse", int64(1)), graph.A("onesided", int64(1))
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		for _, n := range []int{1, 2, 3, 5, 7, 8, 10, 16, 37, 60, 66, 128} {
			for axis := range int64(3) {
				shape := []int{2, 3, 4, 1}
				shape[axis] = n
				real := random(uint64(n), d, shape...)
				shape[3] = 2
				complex := random(uint64(n), d, shape...)
				at := tensor.Scalar(axis)
				checkFourier(t, "DFT", nil, real, nil, at)
				checkFourier(t, "DFT", nil, complex, nil, at)
				checkFourier(t, "DFT", []graph.Attribute{onesided}, real, nil, at)
				checkFourier(t, "DFT", []graph.Attribute{inverse}, real, nil, at)
				checkFourier(t, "DFT", []graph.Attribute{inverse}, complex, nil, at)
				checkFourier(t, "DFT", []graph.Attribute{inverse, onesided}, complex, nil, at)
				for _, length := range []int64{1, 4, 9, 12, 0, -3} {
					checkFourier(t, "DFT", []graph.Attribute{onesided}, real, ints(length), at)
					checkFourier(t, "DFT", []graph.Attribute{inverse, onesided}, complex, tensor.Scalar(int32(length)), at)
				}
			}
		}
	}
}

// What a transform cannot take, the reference says.
func TestWrongDFT(t *testing.T) {
	onesided := []graph.Attribute{graph.A("onesided", int64(1))}
	for _, shape := range [][]int{{4}, {2, 4, 3}, {2, 0, 1}, {0, 4, 1}, {2, 4, 0}, {4, 1}} {
		checkFourier(t, "DFT", nil, random(1, tensor.Float32, shape...))
	}
	for _, axis := range []int64{-4, -1, 2, 3} {
		checkFourier(t, "DFT", nil, random(1, tensor.Float32, 2, 4, 1), nil, ints(axis))
	}
	checkFourier(t, "DFT", onesided, random(1, tensor.Float32, 2, 4, 2))
	checkFourier(t, "DFT", nil, random(1, tensor.Float32, 2, 4, 1), ints(3, 4))
	checkFourier(t, "DFT", nil, random(1, tensor.Float32, 2, 4, 1), nil, ints(1, 0))
}

func TestSTFT(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		real, complex := random(1, d, 2, 61, 1), random(2, d, 2, 61, 2)
		for _, size := range []int64{1, 2, 9, 16, 37, 61} {
			window := random(3, d, int(size))
			for _, step := range []*tensor.Tensor{ints(1), tensor.Scalar(int32(7)), tensor.Scalar(int64(100))} {
				for side := range int64(2) {
					a := []graph.Attribute{graph.A("onesided", side)}
					checkFourier(t, "STFT", a, real, step, window)
					checkFourier(t, "STFT", a, real, step, nil, ints(size))
					checkFourier(t, "STFT", a, real, step, window, tensor.Scalar(int32(size)))
				}
				checkFourier(t, "STFT", []graph.Attribute{graph.A("onesided", int64(0))}, complex, step, window)
			}
		}
		checkFourier(t, "STFT", nil, real, ints(3))
		checkFourier(t, "STFT", nil, random(1, d, 2, 61), ints(3), random(3, d, 8))
	}
}

// What frames cannot be, the reference says.
func TestWrongSTFT(t *testing.T) {
	x, window := random(1, tensor.Float32, 2, 20, 1), random(3, tensor.Float32, 8)
	checkFourier(t, "STFT", nil, x, ints(0), window)
	checkFourier(t, "STFT", nil, x, ints(-1), window)
	checkFourier(t, "STFT", nil, x, ints(1, 2), window)
	checkFourier(t, "STFT", nil, x, ints(1), window, ints(7))
	checkFourier(t, "STFT", nil, x, ints(1), nil, ints(0))
	checkFourier(t, "STFT", nil, x, ints(1), nil, ints(21))
	checkFourier(t, "STFT", nil, x, ints(1), random(3, tensor.Float32, 30))
	checkFourier(t, "STFT", nil, x, ints(1), random(3, tensor.Float32, 2, 4))
	checkFourier(t, "STFT", nil, random(1, tensor.Float32, 2, 20, 2), ints(1), window)
	checkFourier(t, "STFT", nil, random(1, tensor.Float32, 20), ints(1), window)
	checkFourier(t, "STFT", nil, random(1, tensor.Float32, 0, 20, 1), ints(1), window)
}
