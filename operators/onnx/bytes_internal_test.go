package onnx

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

// On a machine of the other byte order every number is reversed on its way in
// and out; halves of complex elements are numbers of their own, bytes stay.
func TestByteOrder(t *testing.T) {
	was := bigEndian
	bigEndian = !bigEndian
	defer func() { bigEndian = was }()
	tests := map[tensor.DType][]byte{
		tensor.Int16:      {2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15},
		tensor.Float32:    {4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13},
		tensor.Complex64:  {4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13},
		tensor.Complex128: {8, 7, 6, 5, 4, 3, 2, 1, 16, 15, 14, 13, 12, 11, 10, 9},
		tensor.Int8:       {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		tensor.Uint4:      {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	}
	for d, want := range tests {
		x := tensor.Zeros(d, tensor.Shape{16 * 8 / d.Bits()})
		for i := range x.Bytes() {
			x.Bytes()[i] = byte(i + 1)
		}
		proto, err := EncodeTensor(x)
		require.NoError(t, err)
		assert.Equal(t, want, proto[len(proto)-16:], "%v in the file", d)
		got, err := DecodeTensor(proto)
		require.NoError(t, err)
		assert.Equal(t, x, got, "%v", d)
	}
}
