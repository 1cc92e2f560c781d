package onnxruntime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

// The two benchmarks run the same model of one Relu over 16 floats: by what the
// backend compiled, and by a session of package models, which may take 5 µs more.
func BenchmarkExecutable(b *testing.B) {
	d := open(b, nil)
	compiler, ok := adapter.As[operators.Compiler](adapter.New("onnxruntime:0", d))
	require.True(b, ok)
	x, err := compiler.Compile(b.Context(), operators.Source{Model: relu(16)})
	require.NoError(b, err)
	defer x.Close()
	in := []tensor.Value{tensor.Zeros(tensor.Float32, tensor.Shape{16})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Run(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSession(b *testing.B) {
	s := load(b, relu(16), nil)
	in := map[string]tensor.Value{"x": tensor.Zeros(tensor.Float32, tensor.Shape{16})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Run(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
