package onnx

import (
	"example.com/midplane/adapter/tensor"
)

// sparseInitializer reads a SparseTensorProto into a dense tensor, which has
// the name of its values.
func (d *decoder) sparseInitializer(b []byte) (named, error) {
	var values, indices []byte
	var h tensorFields // of the dense tensor
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			values = f.once(values)
		case 2:
			indices = f.once(indices)
		case 3:
			h.dims = f.ints(h.dims)
		}
	}
	if f.err != nil {
		return named{}, f.err
	}
	v, err := d.initializer(values)
	if err != nil {
		return v, within(err, "values")
	}
	at, err := d.initializer(indices)
	if err != nil {
		return v, within(err, "indices")
	}
	h.dtype = v.tensor.DType()
	v.tensor, err = d.denseTensor(&h, v.tensor, at.tensor)
	return v, err
}

// denseTensor spreads values over a tensor of zeros or empty strings.
func (d *decoder) denseTensor(h *tensorFields, values, indices *tensor.Tensor) (*tensor.Tensor, error) {
	shape, n, err := h.shape()
	if err != nil {
		return nil, err
	}
	at, err := positions(shape, n, values, indices)
	if err != nil {
		return nil, err
	}
	const stringHeader = 16
	size := int64(h.dtype.Bytes(n))
	if h.dtype == tensor.String {
		size = int64(n) * stringHeader
	}
	if size > d.MaxDense-d.dense {
		return nil, errorf(ErrLimit, "sparse tensors take more than %d bytes once they are dense: %v%v", d.MaxDense, h.dtype, shape)
	}
	d.dense += size
	t, err := tensor.New(h.dtype, shape)
	if err != nil {
		return nil, err
	}
	for i, p := range at {
		copyElement(t, p, values, i)
	}
	return t, nil
}

// positions returns where in row-major order the values of a sparse tensor
// stand. They must ascend.
func positions(shape tensor.Shape, n int, values, indices *tensor.Tensor) ([]int, error) {
	if indices.DType() != tensor.Int64 || values.Rank() != 1 {
		return nil, invalid("a sparse tensor has int64 indices and values of rank 1, this one %v%v and %v%v",
			indices.DType(), indices.Shape(), values.DType(), values.Shape())
	}
	nnz, is := values.Len(), indices.Shape()
	linear := is.Equal(tensor.Shape{nnz})
	if !linear && !is.Equal(tensor.Shape{nnz, len(shape)}) {
		return nil, invalid("%d values of a sparse tensor of shape %v have indices of shape [%d] or [%d,%d], not %v",
			nnz, shape, nnz, nnz, len(shape), is)
	}
	index := tensor.Slice[int64](indices)
	at := make([]int, nnz)
	before := int64(-1)
	for i := range at {
		p := int64(0)
		if linear {
			p = index[i]
		} else {
			for axis, extent := range shape {
				k := index[i*len(shape)+axis]
				if k < 0 || k >= int64(extent) {
					return nil, invalid("indices[%d,%d] is %d, outside [0, %d)", i, axis, k, extent)
				}
				p = p*int64(extent) + k
			}
		}
		if p <= before || p >= int64(n) {
			return nil, invalid("indices of a sparse tensor of %d elements ascend without repetition, number %d stands for element %d after %d", n, i, p, before)
		}
		at[i], before = int(p), p
	}
	return at, nil
}

// copyElement sets the i-th element of a tensor to the j-th of another one of
// the same type. Elements of to that share a byte with it must be zero so far.
func copyElement(to *tensor.Tensor, i int, from *tensor.Tensor, j int) {
	bits := to.DType().Bits()
	switch {
	case to.DType() == tensor.String:
		to.Strings()[i] = from.Strings()[j]
	case bits < 8:
		to.Bytes()[i*bits/8] |= code(from.Bytes(), j, bits) << (i * bits % 8)
	default:
		w := bits / 8
		copy(to.Bytes()[i*w:], from.Bytes()[j*w:(j+1)*w])
	}
}

// code returns the i-th element of packed ones.
func code(packed []byte, i, bits int) byte {
	return packed[i*bits/8] >> (i * bits % 8) & (1<<bits - 1)
}
