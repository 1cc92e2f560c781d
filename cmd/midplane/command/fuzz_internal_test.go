package command

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// Whatever the bytes, there is an error or a tensor whose elements can be read.
func FuzzNPY(f *testing.F) {
	for _, header := range []string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", "{'descr': '|b1', 'fortran_order': False, 'shape': (8,), }",
		"{'descr': '>c8', 'fortran_order': False, 'shape': (), }", "{'descr': '<i8', 'fortran_order': True, 'shape': (-1, 0), }",
		"{'descr': '<f2', 'fortran_order': False, 'shape': (0, 9223372036854775807), }",
	} {
		b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
		f.Add(append(append(b, header...), "elements"...))
		b = append([]byte("\x93NUMPY\x02\x00"), byte(len(header)), 0, 0, 0)
		f.Add(append(append(b, header...), "elements"...))
	}
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decodeNPY(b)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.LessOrEqual(t, len(v.Bytes()), len(b))
		require.Equal(t, v.DType().Bytes(v.Len()), len(v.Bytes()))
		elements(v)
	})
}

// Whatever the text, there is an error or a tensor that says the same when it
// is printed as JSON and read again.
func FuzzJSON(f *testing.F) {
	types := []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.Int8, tensor.Int64, tensor.Uint64, tensor.Bool, tensor.String, tensor.Int4, tensor.Complex64}
	for i, text := range []string{
		`[[1, -2.5e3], [0, 1e-7]]`, `["NaN", "-Inf", 1e308]`, `{"shape": [2, 0], "data": []}`, `[-128, 127]`, `[9007199254740993]`,
		`[18446744073709551615]`, `[true, false]`, `["a", "\u00e4"]`, `7`, `[1]`,
		`{"shape": [1e9, 1e9, 1e9], "data": [1]}`, `{"shape": null}`, `[[[[[[]]]]]]`, `[[1], 2]`, `[1] 2`,
	} {
		f.Add(uint8(i%len(types)), []byte(text))
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		in := models.ValueInfo{Name: "x", DType: types[int(kind)%len(types)]}
		in.Type = tensor.TensorType(in.DType, nil)
		v, err := decodeJSON(b, in)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Equal(t, in.DType, v.DType())
		printed, err := json.Marshal(map[string]any{"shape": append([]int{}, v.Shape()...), "data": elements(v)})
		require.NoError(t, err)
		again, err := decodeJSON(printed, in)
		require.NoError(t, err, string(printed))
		require.Equal(t, v.Shape(), again.Shape())
		require.Equal(t, elements(v), elements(again))
	})
}
