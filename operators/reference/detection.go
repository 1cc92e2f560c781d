package reference

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{
	"NonMaxSuppression": nonMaxSuppression,
	"RoiAlign":          roiAlign,
	"MaxRoiPool":        maxRoiPool,
}

// nonMaxSuppression takes, for every class of every image, the boxes in the
// order of their scores (of equal ones, the first first) and keeps those that
// overlap none kept before by more than the threshold.
func nonMaxSuppression(c *Call) ([]tensor.Value, error) {
	boxes, scores := c.Tensor(0), c.Tensor(1)
	b, s := boxes.Shape(), scores.Shape()
	if len(b) != 3 || len(s) != 3 || b[2] != 4 || b[0] != s[0] || b[1] != s[2] {
		return nil, fmt.Errorf("boxes %v and scores %v: (N, boxes, 4) and (N, classes, boxes) are needed", b, s)
	}
	threshold := scalarInput(c, 3, 0)
	least := scalarInput(c, 4, math.Inf(-1))
	limit := int64(0)
	if ints := c.Ints(2); len(ints) > 0 {
		limit = ints[0]
	}
	var selected []int64
	corners, v := boxCorners(boxes.Float64s(), c.Node.Bool("center_point_box", false)), scores.Float64s()
	for i := range s[0] * s[1] {
		image, class := i/s[1], i%s[1]
		kept := keepBoxes(c, corners[image*b[1]:][:b[1]], v[i*b[1]:][:b[1]], least, c.Has(4), threshold, limit)
		for _, k := range kept {
			selected = append(selected, int64(image), int64(class), int64(k))
		}
	}
	return one(tensor.Of(selected, len(selected)/3, 3))
}

// scalarInput returns the only element of an input, def if it is absent.
func scalarInput(c *Call, i int, def float64) float64 {
	if t := c.Tensor(i); t != nil && t.Len() > 0 {
		return t.Float64s()[0]
	}
	return def
}

// box is a rectangle, low <= high along both axes.
type box struct{ low, high [2]float64 }

func (b box) area() float64 { return (b.high[0] - b.low[0]) * (b.high[1] - b.low[1]) }

// boxCorners reads boxes given by two opposite corners, or by centre and size.
func boxCorners(v []float64, centred bool) []box {
	boxes := make([]box, len(v)/4)
	for i := range boxes {
		for axis := range 2 {
			p, q := v[4*i+axis], v[4*i+2+axis]
			if centred {
				p, q = p-q/2, p+q/2
			}
			boxes[i].low[axis], boxes[i].high[axis] = min(p, q), max(p, q)
		}
	}
	return boxes
}

// overlap returns intersection over union, rounded to float32, the type in
// which thresholds are given; 0 if either box has no area.
func overlap(a, b box) float64 {
	common := 1.0
	for axis := range 2 {
		common *= max(0, min(a.high[axis], b.high[axis])-max(a.low[axis], b.low[axis]))
	}
	if common == 0 {
		return 0
	}
	return float64(float32(common / (a.area() + b.area() - common)))
}

// keepBoxes returns the indexes of at most limit boxes of one class. If
// thresholded, scores that are not above least do not count.
func keepBoxes(c *Call, boxes []box, scores []float64, least float64, thresholded bool, threshold float64, limit int64) []int {
	var candidates []int
	for i, s := range scores {
		if !thresholded || s > least {
			candidates = append(candidates, i)
		}
	}
	slices.SortStableFunc(candidates, func(i, k int) int { return cmp.Compare(scores[k], scores[i]) })
	var kept []int
	for _, i := range candidates {
		if int64(len(kept)) >= limit {
			break
		}
		c.checkpoint()
		if !slices.ContainsFunc(kept, func(k int) bool { return overlap(boxes[i], boxes[k]) > threshold }) {
			kept = append(kept, i)
		}
	}
	return kept
}

// regions reads the inputs of operators that pool regions of images: X of shape
// (N, C, H, W), and a matrix with one region per row, of a width.
func regions(c *Call, width int) (x tensor.Shape, rois []float64, count int, err error) {
	x = c.Tensor(0).Shape()
	r := c.Tensor(1).Shape()
	if len(x) != 4 || len(r) != 2 || r[1] != width {
		return nil, nil, 0, fmt.Errorf("X %v and rois %v: (N, C, H, W) and (regions, %d) are needed", x, r, width)
	}
	return x, c.Tensor(1).Float64s(), r[0], nil
}

// imageIn checks the index of an image in a batch.
func imageIn(index float64, batch int) (int, error) {
	if !(index >= 0 && index < float64(batch)) {
		return 0, fmt.Errorf("image %g is outside [0, %d)", index, batch)
	}
	return int(index), nil
}

// maxSamples bounds the samples of one bin along one axis.
const maxSamples = 1 << 14

// roiAlign averages, or takes the largest of, interpolated samples that are
// spread evenly over each bin of a region (K. He et al., Mask R-CNN,
// arXiv:1703.06870).
func roiAlign(c *Call) ([]tensor.Value, error) {
	x, rois, count, err := regions(c, 4)
	if err != nil {
		return nil, err
	}
	n := c.Node
	height, width := tensor.Extent(n.Int("output_height", 1)), tensor.Extent(n.Int("output_width", 1))
	shape := tensor.Shape{count, x[1], height, width}
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	if s := c.Tensor(2).Shape(); !s.Equal(tensor.Shape{count}) {
		return nil, fmt.Errorf("batch_indices has the shape %v for %d regions", s, count)
	}
	largest, err := choice(n, "mode", "avg", "max")
	if err != nil {
		return nil, err
	}
	v, plane := c.Tensor(0).Float64s(), x[2]*x[3]
	y := make([]float64, 0, shape.Size())
	for r, index := range c.Tensor(2).Float64s() {
		image, err := imageIn(index, x[0])
		if err != nil {
			return nil, err
		}
		columns, err := binSamples(n, rois[4*r], rois[4*r+2], width)
		if err != nil {
			return nil, err
		}
		rows, err := binSamples(n, rois[4*r+1], rois[4*r+3], height)
		if err != nil {
			return nil, err
		}
		for k := range x[1] {
			channel := v[(image*x[1]+k)*plane:][:plane]
			for i := range height * width {
				y = append(y, poolSamples(c, channel, x[2:], rows[i/width], columns[i%width], largest))
			}
		}
	}
	return one(tensor.FromFloat64s(c.Tensor(0).DType(), shape, y))
}

// choice reports whether an attribute has the second of two values; the first is
// its default.
func choice(n *graph.Node, name, first, second string) (bool, error) {
	value := n.Text(name, first)
	if value != first && value != second {
		return false, fmt.Errorf("attribute %s is %q, which is neither %s nor %s", name, value, first, second)
	}
	return value == second, nil
}

// binSamples returns, for each of the bins into which a side of a region is
// divided, the coordinates of its samples: as many as attribute sampling_ratio
// says, or as it begins elements if that is 0. Sides are moved by half an element
// or, in the mode output_half_pixel, not moved but at least one element long.
func binSamples(n *graph.Node, start, end float64, bins int) ([][]float64, error) {
	unmoved, err := choice(n, "coordinate_transformation_mode", "half_pixel", "output_half_pixel")
	if err != nil {
		return nil, err
	}
	scale := float64(n.Float("spatial_scale", 1))
	start, end = start*scale, end*scale
	length := end - start
	if unmoved {
		length = max(length, 1)
	} else {
		start -= 0.5
	}
	size := length / float64(bins)
	samples := float64(n.Int("sampling_ratio", 0))
	if samples <= 0 {
		samples = math.Ceil(size)
	}
	if !(samples <= maxSamples) {
		return nil, fmt.Errorf("a region of %g elements in %d bins needs %g samples in each; at most %d are computed", length, bins, samples, maxSamples)
	}
	if _, err := countOf(tensor.Shape{bins, int(max(samples, 0))}); err != nil {
		return nil, err
	}
	at := make([][]float64, bins)
	for b := range at {
		for i := range int(max(samples, 0)) {
			at[b] = append(at[b], start+(float64(b)+(float64(i)+0.5)/samples)*size)
		}
	}
	return at, nil
}

// poolSamples reduces the samples at rows × columns of a plane (H, W).
func poolSamples(c *Call, plane []float64, s tensor.Shape, rows, columns []float64, largest bool) float64 {
	total, best := 0.0, math.Inf(-1)
	var points []point
	for _, y := range rows {
		c.checkpoint()
		for _, x := range columns {
			points = cornerPoints(y, x, s, points)
			total += weighted(plane, points)
			for _, p := range points {
				best = max(best, p.weight*plane[p.at])
			}
		}
	}
	switch {
	case len(rows)*len(columns) == 0:
		return 0
	case largest:
		return best
	}
	return total / float64(len(rows)*len(columns))
}

// cornerPoints returns the four elements around a position and their weights.
// A position up to one element outside counts as on the border; beyond that, the
// weights are 0.
func cornerPoints(y, x float64, s tensor.Shape, buf []point) []point {
	buf = append(buf[:0], point{}, point{}, point{}, point{})
	if !(y >= -1 && y <= float64(s[0]) && x >= -1 && x <= float64(s[1])) {
		return buf
	}
	return interpolation{aroundLinear, padBorder}.points([]float64{
		min(max(y, 0), float64(s[0]-1)), min(max(x, 0), float64(s[1]-1)),
	}, s, buf)
}

// maxRoiPool takes the largest element of each bin of a region whose corners are
// rounded to elements (R. Girshick, Fast R-CNN, arXiv:1504.08083); 0 for a bin
// without elements.
func maxRoiPool(c *Call) ([]tensor.Value, error) {
	x, rois, count, err := regions(c, 5)
	if err != nil {
		return nil, err
	}
	pooled, err := spatialInts(c.Node, "pooled_shape", 2, 1, 1)
	if err != nil {
		return nil, err
	}
	shape := tensor.Shape{count, x[1], pooled[0], pooled[1]}
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	scale := float64(c.Node.Float("spatial_scale", 1))
	v, plane := c.Tensor(0).Float64s(), x[2]*x[3]
	y := make([]float64, 0, shape.Size())
	for r := range count {
		roi := rois[5*r:][:5]
		image, err := imageIn(roi[0], x[0])
		if err != nil {
			return nil, err
		}
		rows, columns := binRanges(roi[2], roi[4], scale, pooled[0], x[2]), binRanges(roi[1], roi[3], scale, pooled[1], x[3])
		for k := range x[1] {
			channel := v[(image*x[1]+k)*plane:][:plane]
			for _, row := range rows {
				for _, column := range columns {
					c.checkpoint()
					y = append(y, largestIn(channel, x[3], row, column))
				}
			}
		}
	}
	return one(tensor.FromFloat64s(c.Tensor(0).DType(), shape, y))
}

// binRanges divides a side of a region, from the element at start to the one at
// end, into bins that may overlap by one element, and cuts them to [0, n).
func binRanges(start, end, scale float64, bins, n int) [][2]int {
	first, last := math.Round(start*scale), math.Round(end*scale)
	size := max(last-first+1, 1) / float64(bins)
	ranges := make([][2]int, bins)
	for b := range ranges {
		lo, hi := math.Floor(float64(b)*size)+first, math.Ceil(float64(b+1)*size)+first
		ranges[b] = [2]int{int(min(max(lo, 0), float64(n))), int(min(max(hi, 0), float64(n)))}
	}
	return ranges
}

// largestIn returns the largest element in ranges of rows and columns, 0 if
// there is none.
func largestIn(plane []float64, width int, rows, columns [2]int) float64 {
	var v []float64
	for i := rows[0]; i < rows[1]; i++ {
		for k := columns[0]; k < columns[1]; k++ {
			v = append(v, plane[i*width+k])
		}
	}
	if len(v) == 0 {
		return 0
	}
	return maximum(v)
}
