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
	scatter(t, values, at)
	return t, nil
}

// positions returns where in row-major order the values of a sparse tensor
// stand. They must ascend.
func positions(shape tensor.Shape, n int, values, indices *tensor.Tensor) ([]int64, error) {
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
	at := make([]int64, nnz)
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
		at[i], before = p, p
	}
	return at, nil
}

// scatter sets the elements of a tensor of zeros at the positions given.
func scatter(t, values *tensor.Tensor, at []int64) {
	if t.DType() == tensor.String {
		for i, p := range at {
			t.Strings()[p] = values.Strings()[i]
		}
		return
	}
	to, from, bits := t.Bytes(), values.Bytes(), t.DType().Bits()
	if bits >= 8 {
		w := bits / 8
		for i, p := range at {
			copy(to[int(p)*w:], from[i*w:(i+1)*w])
		}
		return
	}
	per, mask := 8/bits, byte(1)<<bits-1
	for i, p := range at {
		code := from[i/per] >> (i % per * bits) & mask
		to[int(p)/per] |= code << (int(p) % per * bits)
	}
}
