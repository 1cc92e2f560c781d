package jpeg

import "fmt"

// upsample brings a component to the size of the image. Components at half the
// resolution are interpolated by triangle filters, along each axis alone or
// both: output samples lie 1/4 and 3/4 of the way between input samples, and
// halves are rounded up and down in turn. Other ratios repeat samples, and so
// does halved width where it is at most two samples.
func (d *decoder) upsample(p plane) ([]uint8, error) {
	h, v := d.hMax/p.h, d.vMax/p.v
	if h*p.h != d.hMax || v*p.v != d.vMax {
		return nil, fmt.Errorf("jpeg: component %d has %d × %d samples where others have %d × %d: fractional ratios are not supported", p.id, p.h, p.v, d.hMax, d.vMax)
	}
	out := make([]uint8, d.width*d.height)
	line := make([]uint8, h*p.width)
	for y := range d.height {
		switch {
		case h == 2 && v == 1 && p.width > 2:
			p.doubleWidth(line, y)
		case h == 2 && v == 2 && p.width > 2:
			p.doubleBoth(line, y)
		case h == 1 && v == 2:
			p.doubleHeight(line, y)
		default:
			for x := range line {
				line[x] = p.pix[y/v*p.stride+x/h]
			}
		}
		copy(out[y*d.width:(y+1)*d.width], line)
	}
	return out, nil
}

// doubleWidth writes row y at twice the width.
func (p plane) doubleWidth(line []uint8, y int) {
	row := p.pix[y*p.stride:]
	last := p.width - 1
	for i := range p.width {
		v := 3 * int(row[i])
		line[2*i] = uint8((v + int(row[max(i-1, 0)]) + 1) >> 2)
		line[2*i+1] = uint8((v + int(row[min(i+1, last)]) + 2) >> 2)
	}
}

// near returns the two input rows nearest to output row y at twice the height:
// the one that it lies in, and the next one on the other side or, at the edge,
// the same.
func (p plane) near(y int) (in, other []uint8) {
	k := y / 2
	next := k - 1 + y%2*2
	next = max(0, min(next, p.height-1))
	return p.pix[k*p.stride:], p.pix[next*p.stride:]
}

// doubleHeight writes row y at twice the height.
func (p plane) doubleHeight(line []uint8, y int) {
	in, other := p.near(y)
	for i := range line {
		line[i] = uint8((3*int(in[i]) + int(other[i]) + 1 + y%2) >> 2)
	}
}

// doubleBoth writes row y at twice the width and height.
func (p plane) doubleBoth(line []uint8, y int) {
	in, other := p.near(y)
	column := func(i int) int { return 3*int(in[i]) + int(other[i]) }
	last := p.width - 1
	for i := range p.width {
		v := 3 * column(i)
		line[2*i] = uint8((v + column(max(i-1, 0)) + 8) >> 4)
		line[2*i+1] = uint8((v + column(min(i+1, last)) + 7) >> 4)
	}
}
