package cpu

import (
	"context"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/peak"
)

// Peak implements operators.Peaker: what all threads of the device reach together.
// float16 and bfloat16 are computed in float32.
func (d *Device) Peak(ctx context.Context, t tensor.DType) (float64, error) {
	var r peak.Rate
	switch t {
	case tensor.Float32, tensor.Float16, tensor.BFloat16:
		r = peak.Floats
	case tensor.Int8, tensor.Uint8:
		r = peak.Bytes
	default:
		return 0, driver.Errorf(driver.Unsupported, "Peak", "of %v nothing is measured; of float32, float16, bfloat16, int8 and uint8 it is", t)
	}
	macs, err := r.Measure(ctx, d.threads)
	return 2 * macs, err
}
