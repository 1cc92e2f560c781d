package cpu

import (
	"context"
	"math"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// softmax holds Softmax, LogSoftmax.
var softmax = family{
	{op: "Softmax", kernel: "softmax", by: byType{tensor.Float32: planLines(softmaxLines, softmaxBlock, softmaxShort)}},
	{op: "LogSoftmax", kernel: "softmax", by: byType{tensor.Float32: planLines(logSoftmaxLines, nil, nil)}},
}

// lines rewrites every line along an axis: those whose elements lie next to each
// other by one function, those that lie side by side by another.
type lines struct {
	device          *Device
	lines           func(dst, a []float32, n int)                              // of n elements, one behind the other
	block           func(dst, a []float32, n, step, width int, room []float32) // width lines of n elements, step apart; room for width numbers twice
	short           func(dst, a []float32, n int)                              // lines of a few elements, one behind the other; or nil
	shape           tensor.Shape
	outer, n, inner int
	pieces, size    int // of lines, or of outer slices of lines that lie side by side
	tasks           tasks[linesTask]
}

func planLines(rewrite func(dst, a []float32, n int), block func(dst, a []float32, n, step, width int, room []float32), short func(dst, a []float32, n int)) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		return func(c *operators.Call) (work, error) {
			s := c.Inputs[0].Shape
			axis, ok := axisIn(n.Int("axis", -1), len(s))
			if !ok {
				return nil, nil
			}
			w := &lines{device: d, lines: rewrite, block: block, short: short, shape: s.Clone()}
			w.outer, w.n, w.inner = s[:axis].Size(), s[axis], s[axis+1:].Size()
			if s.Size() == 0 || w.inner > 1 && block == nil {
				return nil, nil
			}
			const cost = 16 // of an exponential, in copies
			w.pieces, w.size = share(w.outer, w.n*w.inner*cost, d.threads)
			return w, nil
		}, nil
	}
}

func (w *lines) run(ctx context.Context, c *operators.Call) error {
	a, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	*t = linesTask{w, dst, a}
	return w.device.divide(ctx, w.pieces, t)
}

// linesTask is one run over lines.
type linesTask struct {
	w      *lines
	dst, a []float32
}

// blockWidth is how many lines that lie side by side are rewritten at a time.
const blockWidth = 256

// blockRooms is room for them.
var blockRooms = sync.Pool{New: func() any { return new([2 * blockWidth]float32) }}

// Do implements parallel.Task.
func (t *linesTask) Do(_, piece int) {
	w := t.w
	if first, end := piece*w.size, min((piece+1)*w.size, w.outer); w.inner == 1 {
		rewrite := w.lines
		if w.n <= narrow && w.short != nil {
			rewrite = w.short
		}
		rewrite(t.dst[first*w.n:end*w.n], t.a[first*w.n:end*w.n], w.n)
		return
	}
	room := blockRooms.Get().(*[2 * blockWidth]float32)
	defer blockRooms.Put(room)
	slice := w.n * w.inner
	for o := piece * w.size; o < min((piece+1)*w.size, w.outer); o++ {
		dst, a := t.dst[o*slice:(o+1)*slice], t.a[o*slice:(o+1)*slice]
		for k := 0; k < w.inner; k += blockWidth {
			w.block(dst[k:], a[k:], w.n, w.inner, min(blockWidth, w.inner-k), room[:])
		}
	}
}

// maxima keeps room for the greatest elements of some lines.
var maxima tasks[[64]float32]

// softmaxLines sets each line of dst to exp(a - max a) / Σ exp(a - max a).
func softmaxLines(dst, a []float32, n int) {
	most := maxima.get()
	defer maxima.put(most)
	for len(dst) > 0 {
		rows := min(len(dst)/n, len(most))
		vector.Softmax(dst, a, nil, most[:], rows, n, n, 0, 1)
		dst, a = dst[rows*n:], a[rows*n:]
	}
}

// softmaxShort is softmaxLines of a few elements each.
func softmaxShort(dst, a []float32, n int) {
	for i := 0; i < len(a); i += n {
		line, to := a[i:i+n], dst[i:i+n]
		most := line[0]
		for _, v := range line[1:] {
			most = max(most, v)
		}
		for k, v := range line {
			to[k] = v - most
		}
	}
	vector.Exp(dst, dst, 0, 0)
	for i := 0; i < len(dst); i += n {
		line := dst[i : i+n]
		sum := float32(0)
		for _, v := range line {
			sum += v
		}
		inverse := 1 / sum
		for k := range line {
			line[k] *= inverse
		}
	}
}

// softmaxBlock is softmaxLines of lines that lie side by side.
func softmaxBlock(dst, a []float32, n, step, width int, room []float32) {
	most, sum := room[:width], room[blockWidth:][:width]
	copy(most, a)
	for i := 1; i < n; i++ {
		vector.MaxFloat32.Both(most, most, a[i*step:][:width])
	}
	clear(sum)
	for i := range n {
		to := dst[i*step:][:width]
		vector.SubFloat32.Both(to, a[i*step:][:width], most)
		vector.Exp(to, to, 0, 0)
		vector.AddFloat32.Both(sum, sum, to)
	}
	for i := range n {
		to := dst[i*step:][:width]
		vector.DivFloat32.Both(to, to, sum)
	}
}

// logSoftmaxLines sets each line of dst to a - max a - log Σ exp(a - max a).
func logSoftmaxLines(dst, a []float32, n int) {
	for ; len(dst) > 0; dst, a = dst[n:], a[n:] {
		most := vector.Greatest(a[:n])
		sum := vector.ExpSum(dst[:n], a[:n], most)
		vector.SubFloat32.Right(dst[:n], a[:n], most)
		vector.SubFloat32.Right(dst[:n], dst[:n], float32(math.Log(float64(sum))))
	}
}
