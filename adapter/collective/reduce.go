package collective

import (
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// checkReduction refuses what cannot be reduced.
func checkReduction(name string, size int64, d tensor.DType, op driver.ReduceOp) error {
	switch {
	case op > driver.Mean:
		return driver.Errorf(driver.InvalidArgument, name, "reduction %d", op)
	case !d.Valid() || d.Packed() || !d.IsFloat() && !d.IsInteger():
		return driver.Errorf(driver.Unsupported, name, "%v elements are not reduced; whole real numbers of at least a byte are", d)
	case size%int64(d.Bits()/8) != 0:
		return driver.Errorf(driver.InvalidArgument, name, "%d bytes, which elements of %d do not fill", size, d.Bits()/8)
	}
	return nil
}

// reduce puts elements together, rank by rank. Floats narrower than 32 bits are
// computed in float64 and rounded once.
func reduce(parts [][]byte, d tensor.DType, op driver.ReduceOp) ([]byte, error) {
	shape := tensor.Shape{len(parts[0]) / (d.Bits() / 8)}
	in := make([]*tensor.Tensor, len(parts))
	for i, p := range parts {
		var err error
		if in[i], err = tensor.FromBytes(d, shape, p); err != nil {
			return nil, driver.AsError("Reduce", err)
		}
	}
	switch d {
	case tensor.Float32:
		return fold[float32](in, op), nil
	case tensor.Float64:
		return fold[float64](in, op), nil
	case tensor.Int8:
		return fold[int8](in, op), nil
	case tensor.Int16:
		return fold[int16](in, op), nil
	case tensor.Int32:
		return fold[int32](in, op), nil
	case tensor.Int64:
		return fold[int64](in, op), nil
	case tensor.Uint8:
		return fold[uint8](in, op), nil
	case tensor.Uint16:
		return fold[uint16](in, op), nil
	case tensor.Uint32:
		return fold[uint32](in, op), nil
	case tensor.Uint64:
		return fold[uint64](in, op), nil
	}
	wide := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		wide[i] = tensor.Of(t.Float64s(), shape...)
	}
	sum, err := tensor.FromBytes(tensor.Float64, shape, fold[float64](wide, op))
	if err != nil {
		return nil, driver.AsError("Reduce", err)
	}
	return tensor.FromFloat64s(d, shape, sum.Float64s()).Bytes(), nil
}

// number is what Go computes with.
type number interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
	tensor.Element
}

func fold[T number](in []*tensor.Tensor, op driver.ReduceOp) []byte {
	out := in[0].Clone()
	acc := tensor.Slice[T](out)
	for _, t := range in[1:] {
		for i, v := range tensor.Slice[T](t) {
			switch op {
			case driver.Sum, driver.Mean:
				acc[i] += v
			case driver.Product:
				acc[i] *= v
			case driver.Min:
				acc[i] = min(acc[i], v)
			case driver.Max:
				acc[i] = max(acc[i], v)
			}
		}
	}
	if op == driver.Mean {
		divide(acc, len(in))
	}
	return out.Bytes()
}

// divide divides by a number of ranks that may be more than T holds.
func divide[T number](acc []T, n int) {
	for i, v := range acc {
		switch v := any(v).(type) {
		case float32:
			acc[i] = T(v / float32(n))
		case float64:
			acc[i] = T(v / float64(n))
		case uint64:
			acc[i] = T(v / uint64(n))
		default:
			acc[i] = T(int64(acc[i]) / int64(n))
		}
	}
}
