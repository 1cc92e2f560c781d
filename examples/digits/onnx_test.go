package main

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// fields holds the fields of a protobuf message in order of appearance.
type fields struct {
	ints  map[protowire.Number][]int
	bytes map[protowire.Number][][]byte
}

// parse decodes one level of a protobuf message.
func parse(t *testing.T, b []byte) fields {
	t.Helper()
	f := fields{map[protowire.Number][]int{}, map[protowire.Number][][]byte{}}
	for len(b) > 0 {
		number, wireType, n := protowire.ConsumeTag(b)
		require.NoError(t, protowire.ParseError(n))
		b = b[n:]
		switch wireType {
		case protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			f.ints[number] = append(f.ints[number], int(v))
		case protowire.BytesType:
			var v []byte
			v, n = protowire.ConsumeBytes(b)
			f.bytes[number] = append(f.bytes[number], v)
		default:
			require.Failf(t, "unexpected wire type", "field %d has wire type %d", number, wireType)
		}
		require.NoError(t, protowire.ParseError(n))
		b = b[n:]
	}
	return f
}

// text returns the only value of a string field.
func (f fields) text(t *testing.T, number protowire.Number) string {
	t.Helper()
	require.Len(t, f.bytes[number], 1, "field %d", number)
	return string(f.bytes[number][0])
}

// texts returns the values of a repeated string field.
func (f fields) texts(number protowire.Number) (list []string) {
	for _, b := range f.bytes[number] {
		list = append(list, string(b))
	}
	return list
}

// evalNode is a decoded operator.
type evalNode struct {
	name, op        string
	inputs, outputs []string
	ints            map[string][]int // attributes
}

// evalTensor is a tensor of the evaluated model.
type evalTensor struct {
	shape []int
	data  []float32
}

// evalModel is a decoded model.
type evalModel struct {
	nodes        []evalNode
	initializers map[string]evalTensor
}

// decode reads the graph of an ONNX model.
func decode(t *testing.T, onnx []byte) evalModel {
	t.Helper()
	graph := parse(t, parse(t, onnx).bytes[7][0])
	m := evalModel{initializers: map[string]evalTensor{}}
	for _, b := range graph.bytes[1] {
		f := parse(t, b)
		n := evalNode{f.text(t, 3), f.text(t, 4), f.texts(1), f.texts(2), map[string][]int{}}
		for _, a := range f.bytes[5] {
			attr := parse(t, a)
			n.ints[attr.text(t, 1)] = append(attr.ints[8], attr.ints[3]...)
		}
		m.nodes = append(m.nodes, n)
	}
	for _, b := range graph.bytes[5] {
		f := parse(t, b)
		require.Equal(t, []int{elemFloat}, f.ints[2])
		tensor := evalTensor{shape: f.ints[1]}
		for raw := f.bytes[9][0]; len(raw) > 0; raw = raw[4:] {
			tensor.data = append(tensor.data, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
		m.initializers[f.text(t, 8)] = tensor
	}
	return m
}

// run evaluates the model, in plain loops, on one picture.
func (m evalModel) run(t *testing.T, image []float32) map[string]evalTensor {
	t.Helper()
	values := map[string]evalTensor{"image": {[]int{1, side, side}, image}}
	for _, n := range m.nodes {
		x, ok := values[n.inputs[0]]
		require.True(t, ok, "%s reads %s before it is computed", n.name, n.inputs[0])
		switch n.op {
		case "Conv":
			require.Equal(t, []int{1, 1, 1, 1}, n.ints["pads"])
			x = conv(x, m.initializers[n.inputs[1]], m.initializers[n.inputs[2]])
		case "Relu":
			x = relu(x)
		case "MaxPool":
			require.Equal(t, []int{2, 2}, n.ints["strides"])
			x = maxPool(x)
		case "Flatten":
			x.shape = []int{len(x.data)}
		case "Gemm":
			x = gemm(x, m.initializers[n.inputs[1]], m.initializers[n.inputs[2]])
		case "Softmax":
			x = softmax(x)
		default:
			require.Failf(t, "unexpected operator", "%s is a %s", n.name, n.op)
		}
		values[n.outputs[0]] = x
	}
	return values
}

// conv convolves (channels, height, width) with stride 1 and padding 1.
func conv(x, weight, bias evalTensor) evalTensor {
	in, h, w, out, k := x.shape[0], x.shape[1], x.shape[2], weight.shape[0], weight.shape[2]
	y := evalTensor{[]int{out, h, w}, make([]float32, out*h*w)}
	for i := range y.data {
		o, row, col := i/(h*w), i/w%h, i%w
		sum := bias.data[o]
		for j := range in * k * k {
			c, r, s := j/(k*k), row+j/k%k-1, col+j%k-1
			if r >= 0 && r < h && s >= 0 && s < w {
				sum += x.data[(c*h+r)*w+s] * weight.data[o*in*k*k+j]
			}
		}
		y.data[i] = sum
	}
	return y
}

// relu replaces negative elements by zero.
func relu(x evalTensor) evalTensor {
	y := evalTensor{x.shape, make([]float32, len(x.data))}
	for i, v := range x.data {
		y.data[i] = max(v, 0)
	}
	return y
}

// maxPool takes the maximum of each 2×2 square of (channels, height, width).
func maxPool(x evalTensor) evalTensor {
	c, h, w := x.shape[0], x.shape[1]/2, x.shape[2]/2
	y := evalTensor{[]int{c, h, w}, make([]float32, c*h*w)}
	for i := range y.data {
		from := (i/w*2)*2*w + i%w*2
		y.data[i] = max(x.data[from], x.data[from+1], x.data[from+2*w], x.data[from+2*w+1])
	}
	return y
}

// gemm multiplies a vector by a matrix and adds the bias.
func gemm(x, weight, bias evalTensor) evalTensor {
	n := weight.shape[1]
	y := evalTensor{[]int{n}, append([]float32(nil), bias.data...)}
	for i, v := range x.data {
		for j := range n {
			y.data[j] += v * weight.data[i*n+j]
		}
	}
	return y
}

// softmax turns logits into probabilities.
func softmax(x evalTensor) evalTensor {
	y := evalTensor{x.shape, make([]float32, len(x.data))}
	var sum float32
	for i, v := range x.data {
		y.data[i] = float32(math.Exp(float64(v)))
		sum += y.data[i]
	}
	for i := range y.data {
		y.data[i] /= sum
	}
	return y
}
