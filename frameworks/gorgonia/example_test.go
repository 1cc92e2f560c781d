package gorgonia_test

import (
	"fmt"

	gtensor "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/gorgonia"
)

func ExampleTensor() {
	d := gtensor.New(gtensor.WithShape(2, 2), gtensor.WithBacking([]float32{1, 2, 3, 4}))
	t, err := gorgonia.Tensor(d)
	if err != nil {
		panic(err)
	}
	if err := d.SetAt(float32(30), 1, 0); err != nil { // both see one memory
		panic(err)
	}
	fmt.Println(t)
	// Output: float32[2,2][1 2 30 4]
}

func ExampleDense() {
	d, err := gorgonia.Dense(tensor.Of([]int64{1, 2, 3, 4, 5, 6}, 2, 3))
	if err != nil {
		panic(err)
	}
	sum, err := d.Sum(1)
	if err != nil {
		panic(err)
	}
	fmt.Println(sum.Data())

	_, err = gorgonia.Dense(tensor.Zeros(tensor.BFloat16, tensor.Shape{2}))
	fmt.Println(err)
	// Output:
	// [6 15]
	// gorgonia: the element type has no counterpart: Gorgonia has no bfloat16
}
