package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// normalization holds BatchNormalization, InstanceNormalization,
// GroupNormalization, LayerNormalization, RMSNormalization, LpNormalization,
// MeanVarianceNormalization, LRN.
var normalization = family{
	"BatchNormalization":        batchNormalization,
	"InstanceNormalization":     channelNormalization,
	"GroupNormalization":        channelNormalization,
	"LayerNormalization":        layerNormalization,
	"RMSNormalization":          rmsNormalization,
	"LpNormalization":           lpNormalization,
	"MeanVarianceNormalization": meanVarianceNormalization,
	"LRN":                       localResponseNormalization,
}

func batchNormalization(c *Call) error {
	channels := tensor.Known(1)
	if x := c.Dims(0); !x.Ranked() {
		channels = tensor.Symbol("")
	} else if len(x) > 1 {
		channels = x[1]
	} else if len(x) == 0 {
		return fmt.Errorf("input X is a scalar; (N, C, D1, …) is needed")
	}
	channels, err := perChannel(c, channels, "scale", "B", "input_mean", "input_var")
	if err != nil {
		return err
	}
	if len(c.Out) > 1 && !c.Node.Bool("training_mode", false) {
		return fmt.Errorf("%d outputs are named; without training_mode there is only one", len(c.Out))
	}
	c.SetLike(0, c.DType(0), 0)
	for i := 1; i < 3; i++ {
		c.Set(i, c.DType(3), tensor.Dims{channels})
	}
	return nil
}

// perChannel checks inputs 1, 2, … to have one element per channel, and returns
// the number of channels as far as it is known then.
func perChannel(c *Call, channels tensor.Dim, names ...string) (tensor.Dim, error) {
	for i, name := range names {
		d := c.Dims(1 + i)
		if !d.Ranked() {
			continue
		}
		if len(d) != 1 {
			return channels, fmt.Errorf("%s has the shape %v; one element per channel is needed", name, d)
		}
		var err error
		if channels, err = agree("channels of X and "+name, channels, d[0]); err != nil {
			return channels, err
		}
	}
	return channels, nil
}

func channelNormalization(c *Call) error {
	x, err := split(c, 0)
	if err != nil {
		return err
	}
	channels := tensor.Symbol("")
	if x.Ranked() {
		channels = x[1]
	}
	if _, err := perChannel(c, channels, "scale", "bias"); err != nil {
		return err
	}
	if c.Node.Op == "GroupNormalization" {
		groups := int(c.Node.Int("num_groups", 0))
		if groups < 1 || channels.IsKnown() && channels.Size%groups != 0 {
			return fmt.Errorf("%v channels cannot be divided into %d groups", channels, groups)
		}
	}
	c.SetLike(0, c.DType(0), 0)
	return nil
}

// normalizedAxis returns the attribute axis of an input of known rank.
func normalizedAxis(c *Call) (axis int, ranked bool, err error) {
	rank, ok := c.Rank(0)
	if !ok {
		return 0, false, nil
	}
	axis, err = tensor.Axis(c.Node.Int("axis", -1), rank)
	return axis, true, err
}

func layerNormalization(c *Call) error {
	axis, ranked, err := normalizedAxis(c)
	if err != nil {
		return err
	}
	for i, name := range []string{"Scale", "B"} {
		if err := broadcastsTo(name, c.Dims(1+i), c.Dims(0)); err != nil {
			return err
		}
	}
	stash := c.Node.DType("stash_type", tensor.Float32)
	if !stash.IsFloat() {
		return fmt.Errorf("attribute stash_type is %d (%v), which is no floating-point type", stash, stash)
	}
	reduced := c.Dims(0).Clone()
	for i := axis; ranked && i < len(reduced); i++ {
		reduced[i] = tensor.Known(1)
	}
	c.SetLike(0, c.DType(0), 0)
	for i := 1; i < 3; i++ {
		c.SetType(i, tensor.TensorType(stash, reduced))
	}
	return nil
}

func rmsNormalization(c *Call) error {
	if _, _, err := normalizedAxis(c); err != nil {
		return err
	}
	if err := broadcastsTo("scale", c.Dims(1), c.Dims(0)); err != nil {
		return err
	}
	c.SetLike(0, c.DType(1), 0)
	return nil
}

func lpNormalization(c *Call) error {
	if _, _, err := normalizedAxis(c); err != nil {
		return err
	}
	c.SetLike(0, c.DType(0), 0)
	return nil
}

func meanVarianceNormalization(c *Call) error {
	axes := c.Node.Ints("axes")
	if axes == nil {
		axes = []int64{0, 2, 3}
	}
	if rank, ok := c.Rank(0); ok {
		for _, axis := range axes {
			if _, err := tensor.Axis(axis, rank); err != nil {
				return err
			}
		}
	}
	c.SetLike(0, c.DType(0), 0)
	return nil
}

func localResponseNormalization(c *Call) error {
	if _, err := split(c, 0); err != nil {
		return err
	}
	c.SetLike(0, c.DType(0), 0)
	return nil
}
