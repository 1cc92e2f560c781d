package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{
	"NonMaxSuppression": nonMaxSuppression,
	"RoiAlign":          roiAlign,
	"MaxRoiPool":        maxRoiPool,
}

func nonMaxSuppression(c *Call) error {
	for i, name := range []string{"boxes", "scores"} {
		if d := c.Dims(i); d.Ranked() && len(d) != 3 {
			return fmt.Errorf("%s has the shape %v; three axes are needed", name, d)
		}
	}
	c.Set(0, tensor.Int64, tensor.Dims{tensor.Symbol(""), tensor.Known(3)})
	return nil
}

// pooledRegions gives output 0 the extents (regions, C, height, width).
func pooledRegions(c *Call, height, width int64) error {
	x, rois := c.Dims(0), c.Dims(1)
	if x.Ranked() && len(x) != 4 || rois.Ranked() && len(rois) != 2 {
		return fmt.Errorf("X %v and rois %v: (N, C, H, W) and a matrix are needed", x, rois)
	}
	if height < 0 || width < 0 || height > maxSpatial || width > maxSpatial {
		return fmt.Errorf("an output of %d × %d elements is outside [0, %d]", height, width, maxSpatial)
	}
	out := tensor.Dims{tensor.Symbol(""), tensor.Symbol(""), tensor.Known(int(height)), tensor.Known(int(width))}
	if rois.Ranked() {
		out[0] = rois[0]
	}
	if x.Ranked() {
		out[1] = x[1]
	}
	c.Set(0, c.DType(0), out)
	return nil
}

func roiAlign(c *Call) error {
	return pooledRegions(c, c.Node.Int("output_height", 1), c.Node.Int("output_width", 1))
}

func maxRoiPool(c *Call) error {
	pooled, err := spatialInts(c.Node, "pooled_shape", 2, 1, 1)
	if err != nil {
		return err
	}
	return pooledRegions(c, int64(pooled[0]), int64(pooled[1]))
}
