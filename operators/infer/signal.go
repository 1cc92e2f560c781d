package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// signal holds DFT, STFT, HannWindow, HammingWindow, BlackmanWindow,
// MelWeightMatrix.
var signal = family{
	"DFT":             dft,
	"STFT":            stft,
	"HannWindow":      cosineWindow,
	"HammingWindow":   cosineWindow,
	"BlackmanWindow":  cosineWindow,
	"MelWeightMatrix": melWeightMatrix,
}

// scalar returns the value of an integer input of one element, unknown while it
// is not known.
func scalar(c *Call, i int) Int {
	if v, ok := c.Values(i); ok && len(v) == 1 {
		return v[0]
	}
	return Int{}
}

// half returns the number of bins on one side of a spectrum, n/2 + 1.
func half(n tensor.Dim) tensor.Dim {
	if n.IsKnown() {
		return tensor.Known(n.Size/2 + 1)
	}
	return tensor.Symbol("")
}

func dft(c *Call) error {
	dims := c.Dims(0).Clone()
	if !dims.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	rank := len(dims)
	if rank < 2 {
		return fmt.Errorf("the input has the shape %v, its rank must be 2 or more", dims)
	}
	onesided, inverse := c.Node.Bool("onesided", false), c.Node.Bool("inverse", false)
	if err := checkParts(dims[rank-1], onesided, inverse); err != nil {
		return err
	}
	dims[rank-1] = tensor.Known(2)
	if onesided && inverse {
		dims[rank-1] = tensor.Known(1)
	}
	at := Int{Value: -2, Known: true}
	if c.Has(2) {
		at = scalar(c, 2)
	}
	if !at.Known {
		if onesided || c.Has(1) {
			copy(dims, tensor.UnknownDims(rank-1))
		}
		c.Set(0, c.DType(0), dims)
		return nil
	}
	axis, err := tensor.Axis(at.Value, rank)
	if err != nil {
		return err
	}
	if axis == rank-1 {
		return fmt.Errorf("axis %d is the last, which holds real and imaginary parts", at.Value)
	}
	length := dims[axis]
	switch {
	case c.Has(1):
		length = scalar(c, 1).Dim()
	case onesided && inverse:
		if length.IsKnown() {
			length = tensor.Known(max(0, 2*(length.Size-1)))
		} else {
			length = tensor.Symbol("")
		}
	}
	if length.IsKnown() && length.Size < 1 {
		return fmt.Errorf("the length of the transform is %d, it must be positive", length.Size)
	}
	if onesided && !inverse {
		length = half(length)
	}
	dims[axis] = length
	c.Set(0, c.DType(0), dims)
	return nil
}

// checkParts holds the number of parts of each value against what a transform
// can take.
func checkParts(parts tensor.Dim, onesided, inverse bool) error {
	if !parts.IsKnown() {
		return nil
	}
	switch n := parts.Size; {
	case n != 1 && n != 2:
		return fmt.Errorf("the last axis has the extent %d, it must be 1 (real) or 2 (complex)", n)
	case onesided && inverse && n != 2:
		return fmt.Errorf("the inverse of a one-sided spectrum needs complex input")
	case onesided && !inverse && n != 1:
		return fmt.Errorf("a one-sided spectrum needs real input")
	}
	return nil
}

func stft(c *Call) error {
	x := c.Dims(0)
	out := append(tensor.UnknownDims(3), tensor.Known(2))
	onesided := c.Node.Bool("onesided", true)
	length := tensor.Symbol("")
	if x.Ranked() {
		if len(x) != 2 && len(x) != 3 {
			return fmt.Errorf("the signal has the shape %v, its rank must be 3", x)
		}
		if len(x) == 3 {
			if err := checkParts(x[2], onesided, false); err != nil {
				return err
			}
		}
		out[0], length = x[0], x[1]
	}
	size := length
	if c.Has(2) || c.Has(3) {
		size = tensor.Symbol("")
	}
	if c.Has(3) {
		size = scalar(c, 3).Dim()
	}
	if window := c.Dims(2); window.Ranked() {
		if len(window) != 1 {
			return fmt.Errorf("the window has the shape %v, its rank must be 1", window)
		}
		var err error
		if size, err = agree("frame_length and the window's length", size, window[0]); err != nil {
			return err
		}
	}
	step := scalar(c, 1)
	if step.Known && step.Value < 1 {
		return fmt.Errorf("frame_step is %d, it must be positive", step.Value)
	}
	if step.Known && size.IsKnown() && length.IsKnown() {
		out[1] = tensor.Known(0)
		if size.Size <= length.Size {
			out[1] = tensor.Known((length.Size-size.Size)/int(step.Value) + 1)
		}
	}
	if out[2] = size; onesided {
		out[2] = half(size)
	}
	c.Set(0, c.DType(0), out)
	return nil
}

func cosineWindow(c *Call) error {
	size := scalar(c, 0)
	if size.Known && size.Value < 0 {
		return fmt.Errorf("the size is %d, it must not be negative", size.Value)
	}
	c.Set(0, outputType(c), tensor.Dims{size.Dim()})
	return nil
}

// outputType returns the attribute output_datatype.
func outputType(c *Call) tensor.DType {
	return c.Node.DType("output_datatype", tensor.Float32)
}

func melWeightMatrix(c *Call) error {
	c.Set(0, outputType(c), tensor.Dims{half(scalar(c, 1).Dim()), scalar(c, 0).Dim()})
	return nil
}
