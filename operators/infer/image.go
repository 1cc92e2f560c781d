package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// image holds ImageDecoder.
var image = family{
	"ImageDecoder": func(c *Call) error {
		if x := c.Dims(0); x.Ranked() && len(x) != 1 {
			return fmt.Errorf("encoded stream of shape %v, but it must have rank 1", x)
		}
		channels := tensor.Known(3)
		if c.Node.Text("pixel_format", "RGB") == "Grayscale" {
			channels = tensor.Known(1)
		}
		c.Set(0, tensor.Uint8, tensor.Dims{tensor.Symbol(""), tensor.Symbol(""), channels})
		return nil
	},
}
