package adapter_test

import (
	"context"
	"fmt"
	"log"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
)

// A device is opened by name, holds tensors, and gives everything back when it
// is closed.
func ExampleOpen() {
	ctx := context.Background()
	dev, err := adapter.Open(ctx, "cpu", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer dev.Close()

	on, err := dev.Upload(ctx, tensor.Of([]float32{1, 2, 3, 4}, 2, 2))
	if err != nil {
		log.Fatal(err)
	}
	back, err := on.Download(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(dev.Name(), back)
	// Output: cpu:0 float32[2,2][1 2 3 4]
}

// A name that no driver answers to is explained.
func ExampleOpen_missing() {
	_, err := adapter.Open(context.Background(), "abacus", nil)
	fmt.Println(err)
	// Output:
	// abacus: Open: not found: no driver "abacus" is linked into this program (there are: cpu); if it is one of midplane's, add the line
	// 	import _ "example.com/midplane/backends/abacus"
}
