package emu_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/emu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// A kernel is asked for, built once, and run on a stream; its output is there
// when the stream has been synchronised.
func Example() {
	ctx := context.Background()
	dev, err := adapter.Open(ctx, "emu", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer dev.Close()

	kind := tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{3}))
	relu := &graph.Node{
		Op:      "Relu",
		Inputs:  []*graph.Value{{Name: "x", Type: kind}},
		Outputs: []*graph.Value{{Name: "y", Type: kind}},
	}
	backend, _ := adapter.As[operators.Backend](dev)
	fmt.Println(backend.Supports(relu))
	kernel, err := backend.Build(relu)
	if err != nil {
		log.Fatal(err)
	}

	x, err := dev.Upload(ctx, tensor.Of([]float32{-1, 0, 2}))
	if err != nil {
		log.Fatal(err)
	}
	y, err := dev.NewTensor(tensor.Float32, tensor.Shape{3})
	if err != nil {
		log.Fatal(err)
	}
	stream, err := dev.NewStream()
	if err != nil {
		log.Fatal(err)
	}
	operand := func(t *adapter.Tensor) operators.Operand {
		return operators.Operand{DType: t.DType(), Shape: t.Shape(), Region: t.Region()}
	}
	err = kernel.Run(ctx, &operators.Call{
		Stream:  stream.Driver(),
		Inputs:  []operators.Operand{operand(x)},
		Outputs: []operators.Operand{operand(y)},
	})
	if err = errors.Join(err, stream.Synchronize(ctx)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Download(ctx))
	// Output:
	// native
	// float32[3][0 0 2] <nil>
}

// A test gives itself a device that fails where it wants.
func ExampleNew() {
	ctx := context.Background()
	dev := adapter.New("flaky", emu.New(&emu.Options{
		Memory: 1 << 20,
		Fault: func(op string) error {
			if op == "CopyOut" {
				return driver.Errorf(driver.DeviceLost, op, "the bus is down")
			}
			return nil
		},
	}))
	defer dev.Close()

	x, err := dev.Upload(ctx, tensor.Of([]float32{1, 2}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = x.Download(ctx)
	fmt.Println(errors.Is(err, adapter.DeviceLost))
	fmt.Println(err)

	_, err = dev.NewTensor(tensor.Float32, tensor.Shape{1 << 20})
	fmt.Println(errors.Is(err, adapter.DeviceLost), "it stays lost")
	// Output:
	// true
	// flaky: CopyOut: device lost: the bus is down
	// true it stays lost
}
