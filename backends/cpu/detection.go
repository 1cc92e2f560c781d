package cpu

import (
	"context"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// detection holds NonMaxSuppression, RoiAlign.
var detection = family{
	{op: "NonMaxSuppression", kernel: "detection", build: nonMaxSuppression,
		inputs: [][]tensor.DType{{tensor.Float32}, {tensor.Float32}, {tensor.Int64}, {tensor.Float32}, {tensor.Float32}}},
	{op: "RoiAlign", kernel: "detection", build: roiAlign,
		inputs: [][]tensor.DType{{tensor.Float32}, {tensor.Float32}, {tensor.Int64}}},
}

// suppression is a run of a NonMaxSuppression for boxes (N, boxes, 4) and scores
// (N, classes, boxes).
type suppression struct {
	boxes, scores     []float32
	perImage, classes int
	centred           bool
	limit             int64   // of boxes that are kept of a class
	threshold         float64 // of overlap
	thresholded       bool    // scores must be above least
	least             float32
}

func nonMaxSuppression(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		b, s := c.Inputs[0].Shape, c.Inputs[1].Shape
		if len(b) != 3 || len(s) != 3 || b[2] != 4 || b[0] != s[0] || b[1] != s[2] || b[1] > math.MaxInt32 {
			return nil, nil
		}
		groups, perImage, classes := s[0]*s[1], b[1], s[1]
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			w := suppression{perImage: perImage, classes: classes, centred: n.Bool("center_point_box", false)}
			if err := w.read(c); err != nil {
				return err
			}
			kept := make([][]int, groups)
			err := d.each(ctx, groups, 16*perImage, func(first, end int) {
				var r suppressionRoom
				for i := first; i < end && ctx.Err() == nil; i++ {
					kept[i] = w.keep(ctx, i, &r)
				}
			})
			if err != nil {
				return err
			}
			total := 0
			for _, list := range kept {
				total += len(list)
			}
			dst, err := output[int64](c, 0, tensor.Int64, tensor.Shape{total, 3})
			if err != nil {
				return err
			}
			for i, list := range kept {
				for _, box := range list {
					dst[0], dst[1], dst[2] = int64(i/classes), int64(i%classes), int64(box)
					dst = dst[3:]
				}
			}
			return nil
		}), nil
	}, nil
}

func (w *suppression) read(c *operators.Call) (err error) {
	if w.boxes, err = input[float32](c, 0); err != nil {
		return err
	}
	if w.scores, err = input[float32](c, 1); err != nil {
		return err
	}
	limit, err := integers(c, 2)
	if err != nil {
		return err
	}
	if len(limit) > 0 {
		w.limit = limit[0]
	}
	for i := 3; i <= 4; i++ {
		if !has(c, i) {
			continue
		}
		v, err := input[float32](c, i)
		if err != nil {
			return err
		}
		if len(v) == 0 {
			return errUnfit
		}
		if i == 3 {
			w.threshold = float64(v[0])
		} else {
			w.thresholded, w.least = true, v[0]
		}
	}
	return nil
}

// rectangle has low <= high along both axes.
type rectangle struct {
	low, high [2]float64
	area      float64
}

func (w *suppression) rectangle(i int) (r rectangle) {
	v := w.boxes[4*i:][:4]
	for axis := range 2 {
		p, q := float64(v[axis]), float64(v[2+axis])
		if w.centred {
			p, q = p-q/2, p+q/2
		}
		r.low[axis], r.high[axis] = min(p, q), max(p, q)
	}
	r.area = (r.high[0] - r.low[0]) * (r.high[1] - r.low[1])
	return r
}

// overlaps reports whether intersection over union, rounded to the type of the
// threshold, is above that.
func (r *rectangle) overlaps(with *rectangle, threshold float64) bool {
	beside := oneIf(r.high[0] <= with.low[0]) | oneIf(with.high[0] <= r.low[0]) | oneIf(r.high[1] <= with.low[1]) | oneIf(with.high[1] <= r.low[1])
	if beside != 0 && threshold >= 0 {
		return false
	}
	height := max(0, min(r.high[0], with.high[0])-max(r.low[0], with.low[0]))
	width := max(0, min(r.high[1], with.high[1])-max(r.low[1], with.low[1]))
	common := height * width
	if common == 0 {
		return 0 > threshold
	}
	return float64(float32(common/(r.area+with.area-common))) > threshold
}

// suppressionRoom is what a class needs, and leaves to the next.
type suppressionRoom struct {
	candidates []uint64
	rectangles []rectangle // of the boxes that are kept
}

// findCandidates lists the boxes of a class of an image whose scores are high enough:
// the order of the score, and below it the complement of the index.
func (w *suppression) findCandidates(group int, r *suppressionRoom) {
	const block = 64
	list, n := slices.Grow(r.candidates[:0], w.perImage)[:w.perImage], 0
	scores := w.scores[group*w.perImage:][:w.perImage]
	least, all := w.least, oneIf(!w.thresholded)
	for first := 0; first < len(scores); first += block {
		part := scores[first:min(first+block, len(scores))]
		if all == 0 && vector.Greatest(part) <= least {
			continue // as in most classes
		}
		for i, s := range part {
			list[n] = uint64(first + i)
			n += oneIf(s > least) | all
		}
	}
	list = list[:n]
	for k, i := range list {
		rank := uint64(0) // of NaN, which comes last
		if s := scores[i]; s == s {
			rank = ordered(s)
		}
		list[k] = rank<<32 | uint64(^uint32(i))
	}
	r.candidates = list
}

// oneIf is 1 of true, 0 of false, without a branch.
func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sink moves element i of a heap, whose greatest element is the first, to where none
// below it is greater.
func sink(heap []uint64, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child+1] > heap[child] {
			child++
		}
		if heap[i] >= heap[child] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// keep takes the boxes of a class of an image in the order of their scores, of equal
// ones the first first, and returns those that overlap none that was kept before.
func (w *suppression) keep(ctx context.Context, group int, r *suppressionRoom) []int {
	w.findCandidates(group, r)
	candidates := r.candidates
	fewFirst := w.limit < int64(len(candidates)/8) // of which a heap gives the greatest without sorting all
	if fewFirst {
		for i := len(candidates)/2 - 1; i >= 0; i-- {
			sink(candidates, i)
		}
	} else {
		slices.Sort(candidates)
	}
	var kept []int
	rectangles := r.rectangles[:0]
	base := group / w.classes * w.perImage
next:
	for n := len(candidates) - 1; n >= 0 && int64(len(kept)) < w.limit; n-- {
		if ctx.Err() != nil {
			return nil
		}
		if fewFirst {
			candidates[0], candidates[n] = candidates[n], candidates[0]
			sink(candidates[:n], 0)
		}
		i := int(^uint32(candidates[n]))
		box := w.rectangle(base + i)
		for k := range rectangles {
			if box.overlaps(&rectangles[k], w.threshold) {
				continue next
			}
		}
		kept, rectangles = append(kept, i), append(rectangles, box)
	}
	r.rectangles = rectangles
	return kept
}

// alignment is what the regions of a RoiAlign have in common.
type alignment struct {
	shape    tensor.Shape // of X: (N, C, H, W)
	bins     [2]int       // along H and W
	scale    float64
	ratio    float64
	unmoved  bool // coordinates are not moved by half an element
	largest  bool
	channels int
}

// alignmentPoints are the elements that the bins of a region are made of, and their
// weights: point k of bin b at k×bins + b.
type alignmentPoints struct {
	at     []int32 // in a plane
	weight []float32
	count  int // of each bin
	met    []float32
}

func roiAlign(d *Device, n *graph.Node) (planner, error) {
	mode, coordinates := n.Text("mode", "avg"), n.Text("coordinate_transformation_mode", "half_pixel")
	known := (mode == "avg" || mode == "max") && (coordinates == "half_pixel" || coordinates == "output_half_pixel")
	return func(c *operators.Call) (work, error) {
		s, r := c.Inputs[0].Shape.Clone(), c.Inputs[1].Shape
		height, width := tensor.Extent(n.Int("output_height", 1)), tensor.Extent(n.Int("output_width", 1))
		if !known || len(s) != 4 || len(r) != 2 || r[1] != 4 || s.Size() == 0 || !c.Inputs[2].Shape.Equal(r[:1]) {
			return nil, nil
		}
		shape := tensor.Shape{r[0], s[1], height, width}
		if tensor.Fits(tensor.Float64, shape) != nil || shape.Size() == 0 || s[2]*s[3] > math.MaxInt32 {
			return nil, nil
		}
		w := alignment{
			shape: s, bins: [2]int{height, width}, scale: float64(n.Float("spatial_scale", 1)), ratio: float64(n.Int("sampling_ratio", 0)),
			unmoved: coordinates == "output_half_pixel", largest: mode == "max", channels: s[1],
		}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			return w.run(ctx, d, c, shape)
		}), nil
	}, nil
}

func (w *alignment) run(ctx context.Context, d *Device, c *operators.Call, shape tensor.Shape) error {
	x, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	rois, err := input[float32](c, 1)
	if err != nil {
		return err
	}
	images, err := integers(c, 2)
	if err != nil {
		return err
	}
	for r, image := range images {
		rows, columns := w.samples(rois[4*r+1], rois[4*r+3], 0), w.samples(rois[4*r], rois[4*r+2], 1)
		if image < 0 || image >= int64(w.shape[0]) || !(rows*columns*float64(w.bins[0]*w.bins[1]) <= mostRoom/8) {
			return errUnfit
		}
	}
	dst, err := output[float32](c, 0, tensor.Float32, shape)
	if err != nil {
		return err
	}
	per := shape[1:].Size()
	return d.each(ctx, len(images), 16*per, func(first, end int) {
		var points alignmentPoints
		for r := first; r < end && ctx.Err() == nil; r++ {
			image := x[int(images[r])*w.shape[1:].Size():][:w.shape[1:].Size()]
			w.find(&points, rois[4*r:][:4])
			w.pool(dst[r*per:][:per], image, &points)
		}
	})
}

// side returns where a region begins along an axis of X, in elements, and how large
// its bins are.
func (w *alignment) side(start, end float32, axis int) (from, size float64) {
	from = float64(start) * w.scale
	length := float64(end)*w.scale - from
	if w.unmoved {
		length = max(length, 1)
	} else {
		from -= 0.5
	}
	return from, length / float64(w.bins[axis])
}

// samples returns how many samples a bin has along an axis.
func (w *alignment) samples(start, end float32, axis int) float64 {
	if w.ratio > 0 {
		return w.ratio
	}
	_, size := w.side(start, end, axis)
	return max(math.Ceil(size), 0)
}

// find finds the four points of each sample of each bin of a region (x1, y1, x2, y2).
func (w *alignment) find(p *alignmentPoints, roi []float32) {
	rows, columns, bins := int(w.samples(roi[1], roi[3], 0)), int(w.samples(roi[0], roi[2], 1)), w.bins[0]*w.bins[1]
	top, height := w.side(roi[1], roi[3], 0)
	left, width := w.side(roi[0], roi[2], 1)
	p.count = 4 * rows * columns
	p.at, p.weight = slices.Grow(p.at[:0], p.count*bins)[:p.count*bins], slices.Grow(p.weight[:0], p.count*bins)[:p.count*bins]
	share := 1.0 // of a sample in its bin
	if !w.largest {
		share = 1 / float64(rows*columns)
	}
	for bin := range bins {
		for i := range rows * columns {
			y := top + (float64(bin/w.bins[1])+(float64(i/columns)+0.5)/float64(rows))*height
			x := left + (float64(bin%w.bins[1])+(float64(i%columns)+0.5)/float64(columns))*width
			at, weight := w.corners(y, x)
			for k := range at {
				p.at[(4*i+k)*bins+bin], p.weight[(4*i+k)*bins+bin] = int32(at[k]), float32(weight[k]*share)
			}
		}
	}
}

// corners returns the four elements around a position and their weights. One up to an
// element outside counts as on the border; beyond that, the weights are 0.
func (w *alignment) corners(y, x float64) (at [4]int, weight [4]float64) {
	rows, columns := w.shape[2], w.shape[3]
	if !(y >= -1 && y <= float64(rows) && x >= -1 && x <= float64(columns)) {
		return at, weight
	}
	y, x = min(max(y, 0), float64(rows-1)), min(max(x, 0), float64(columns-1))
	top, left := int(y), int(x)
	below, right := min(top+1, rows-1), min(left+1, columns-1)
	v, u := y-float64(top), x-float64(left)
	at = [4]int{top*columns + left, top*columns + right, below*columns + left, below*columns + right}
	return at, [4]float64{(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u}
}

// pool averages the samples of each bin of each channel, or takes the largest point.
func (w *alignment) pool(dst, image []float32, p *alignmentPoints) {
	bins, plane := w.bins[0]*w.bins[1], w.shape[2]*w.shape[3]
	if p.count == 0 {
		clear(dst)
		return
	}
	for i := range w.channels {
		to, channel := dst[i*bins:][:bins], image[i*plane:][:plane]
		if w.largest {
			p.largest(to, channel)
		} else {
			vector.GatherSum(to, channel, p.at, p.weight, p.count, bins)
		}
	}
}

// largest takes the largest weighted point of each bin, NaN if one is. Weights of 0
// count here: they make 0 of numbers, and NaN of what is none.
func (p *alignmentPoints) largest(dst, channel []float32) {
	bins := len(dst)
	p.met = slices.Grow(p.met[:0], bins)[:bins]
	whole := vector.Least(channel) > vector.NegativeInfinity && vector.Greatest(channel) < vector.Infinity
	vector.Fill(dst, vector.NegativeInfinity)
	for k := range p.count {
		at, weight := p.at[k*bins:][:bins], p.weight[k*bins:][:bins]
		if whole {
			vector.GatherSum(p.met, channel, at, weight, 1, bins)
		} else {
			for i, w := range weight {
				p.met[i] = w * channel[at[i]]
			}
		}
		vector.MaxFloat32.Both(dst, dst, p.met)
	}
}
