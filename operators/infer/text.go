package infer

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// text holds StringConcat, StringSplit, StringNormalizer, RegexFullMatch,
// TfIdfVectorizer.
var text = family{
	"StringConcat":     stringConcat,
	"StringSplit":      stringSplit,
	"StringNormalizer": stringNormalizer,
	"RegexFullMatch":   func(c *Call) error { c.SetLike(0, tensor.Bool, 0); return nil },
	"TfIdfVectorizer":  tfIdfVectorizer,
}

func stringConcat(c *Call) error {
	out, err := Broadcast(c.Dims(0), c.Dims(1))
	if err != nil {
		return err
	}
	c.SetType(0, tensor.TensorType(tensor.String, out))
	return nil
}

// stringSplit adds an axis whose extent the strings decide.
func stringSplit(c *Call) error {
	c.SetUnranked(0, tensor.String)
	if x := c.Dims(0); x.Ranked() {
		c.Set(0, tensor.String, append(x.Clone(), tensor.Symbol("")))
	}
	c.SetLike(1, tensor.Int64, 0)
	return nil
}

func stringNormalizer(c *Call) error {
	x := c.Dims(0)
	switch {
	case !x.Ranked():
		c.SetUnranked(0, tensor.String)
	case len(x) == 1:
		c.SetRank(0, tensor.String, 1)
	case len(x) == 2 && (!x[0].IsKnown() || x[0].Size == 1):
		c.Set(0, tensor.String, tensor.Dims{tensor.Known(1), tensor.Symbol("")})
	default:
		return fmt.Errorf("input of shape %v, but it must have the shape [C] or [1,C]", x)
	}
	return nil
}

func tfIdfVectorizer(c *Call) error {
	columns := int64(0)
	for i, k := range c.Node.Ints("ngram_indexes") {
		if k < 0 || k >= math.MaxInt {
			return fmt.Errorf("ngram_indexes[%d] is %d, but must be a column of the output", i, k)
		}
		columns = max(columns, k+1)
	}
	width := tensor.Known(tensor.Extent(columns))
	switch x := c.Dims(0); {
	case !x.Ranked():
		c.SetUnranked(0, tensor.Float32)
	case len(x) == 2:
		c.Set(0, tensor.Float32, tensor.Dims{x[0], width})
	case len(x) < 2:
		c.Set(0, tensor.Float32, tensor.Dims{width})
	default:
		return fmt.Errorf("input of shape %v, but it must have the shape [C] or [N,C]", x)
	}
	return nil
}
