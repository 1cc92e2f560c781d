package random_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
)

// The known answers that the authors publish with their library Random123.
func TestKnownAnswers(t *testing.T) {
	const all = 0xffffffff
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{all, all, all, all}, [2]uint32{all, all}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		assert.Equal(t, c.want, random.Rounds(c.counter, c.key))
	}
}

func draw(t *testing.T, d random.Distribution, dtype tensor.DType, n int, at driver.GeneratorState) *tensor.Tensor {
	t.Helper()
	out := tensor.Zeros(dtype, tensor.Shape{n})
	require.NoError(t, d.Draw(out.Bytes(), dtype, at))
	return out
}

func TestDrawsAreOneSequence(t *testing.T) {
	const seed = 0x123456789abcdef0
	whole := tensor.Slice[uint32](draw(t, random.Bits, tensor.Uint32, 23, driver.GeneratorState{Seed: seed}))
	first := random.Rounds([4]uint32{}, [2]uint32{0x9abcdef0, 0x12345678})
	assert.Equal(t, first[:], whole[:4])
	for from := range 23 {
		part := draw(t, random.Bits, tensor.Uint32, 23-from, driver.GeneratorState{Seed: seed, Offset: uint64(from)})
		assert.Equal(t, whole[from:], tensor.Slice[uint32](part), "from word %d on", from)
	}
	uniform := tensor.Slice[float32](draw(t, random.Uniform, tensor.Float32, 23, driver.GeneratorState{Seed: seed}))
	for i, v := range uniform {
		assert.Equal(t, float32(whole[i]>>8)/(1<<24), v)
	}
	far := draw(t, random.Bits, tensor.Uint32, 4, driver.GeneratorState{Offset: 1 << 40})
	high := random.Rounds([4]uint32{0, 1 << 6}, [2]uint32{})
	assert.Equal(t, high[:], tensor.Slice[uint32](far), "the counter has 64 bits")
}

func TestMoments(t *testing.T) {
	const n = 200_000
	for _, dtype := range []tensor.DType{tensor.Float32, tensor.Float64} {
		for _, c := range []struct {
			d              random.Distribution
			mean, variance float64
		}{{random.Uniform, 0.5, 1.0 / 12}, {random.Normal, 0, 1}} {
			values := draw(t, c.d, dtype, n, driver.GeneratorState{Seed: 42}).Float64s()
			var sum, squares, low, high float64
			for _, v := range values {
				sum += v
				squares += v * v
				low, high = min(low, v), max(high, v)
			}
			mean := sum / n
			assert.InDelta(t, c.mean, mean, 5*math.Sqrt(c.variance/n), "%v %v", c.d, dtype)
			assert.InDelta(t, c.variance, squares/n-mean*mean, 0.01, "%v %v", c.d, dtype)
			if c.d == random.Uniform {
				assert.GreaterOrEqual(t, low, 0.0)
				assert.Less(t, high, 1.0)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		d     random.Distribution
		size  int64
		dtype tensor.DType
		want  uint64
		code  driver.Code
	}{
		{random.Bits, 12, tensor.Undefined, 3, 0},
		{random.Bits, 0, tensor.Int8, 0, 0},
		{random.Bits, 6, tensor.Int8, 0, driver.InvalidArgument},
		{random.Uniform, 12, tensor.Float32, 3, 0},
		{random.Uniform, 16, tensor.Float64, 4, 0},
		{random.Uniform, 12, tensor.Float64, 0, driver.InvalidArgument},
		{random.Uniform, -4, tensor.Float32, 0, driver.InvalidArgument},
		{random.Uniform, 4, tensor.Float16, 0, driver.Unsupported},
		{random.Normal, 12, tensor.Float32, 4, 0},
		{random.Normal, 24, tensor.Float64, 8, 0},
		{random.Distribution(7), 4, tensor.Float32, 0, driver.InvalidArgument},
	} {
		got, err := c.d.Words(c.size, c.dtype)
		assert.Equal(t, c.want, got)
		if c.code == 0 {
			assert.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, c.code)
		if c.size >= 0 {
			assert.ErrorIs(t, c.d.Draw(make([]byte, c.size), c.dtype, driver.GeneratorState{}), c.code)
		}
	}
}

func ExampleDistribution_Draw() {
	dice := make([]byte, 12)
	random.Bits.Draw(dice, tensor.Uint32, driver.GeneratorState{Seed: 1})
	again := make([]byte, 4)
	random.Bits.Draw(again, tensor.Uint32, driver.GeneratorState{Seed: 1, Offset: 2})
	fmt.Println(string(again) == string(dice[8:]))
	// Output: true
}
