package jpeg

import (
	"errors"
	"fmt"
)

// Markers (T.81, table B.1), without their first byte 0xFF.
const (
	sof0  = 0xC0 // baseline frame
	sof1  = 0xC1 // extended sequential frame
	sof2  = 0xC2 // progressive frame
	dht   = 0xC4
	jpg   = 0xC8
	dac   = 0xCC
	sof15 = 0xCF
	rst0  = 0xD0
	rst7  = 0xD7
	soi   = 0xD8
	eoi   = 0xD9
	sos   = 0xDA
	dqt   = 0xDB
	dnl   = 0xDC
	dri   = 0xDD
	app0  = 0xE0
	app14 = 0xEE
	tem   = 0x01
)

var errShort = errors.New("the data ends in the middle of a segment")

// segments reads everything up to the end of the image. Sequential images may
// lack the marker of the end.
func (d *decoder) segments() error {
	if len(d.data) < 2 || d.data[0] != 0xFF || d.data[1] != soi {
		return errors.New("the data does not begin as a JPEG image does")
	}
	d.at = 2
	for {
		marker, ok := d.marker()
		switch {
		case !ok && d.scans > 0 && !d.progressive, marker == eoi:
			return nil
		case !ok:
			return errShort
		case marker == tem, marker >= rst0 && marker <= rst7:
			continue
		}
		body, err := d.body()
		if err != nil {
			return err
		}
		if err := d.segment(marker, body); err != nil {
			return err
		}
		if d.sizeOnly && d.components != nil {
			return nil
		}
	}
}

// marker skips to the next marker and returns it.
func (d *decoder) marker() (byte, bool) {
	for ; d.at+1 < len(d.data); d.at++ {
		if m := d.data[d.at+1]; d.data[d.at] == 0xFF && m != 0xFF && m != 0 {
			d.at += 2
			return m, true
		}
	}
	return 0, false
}

// body returns what follows a marker, which begins with its length.
func (d *decoder) body() ([]byte, error) {
	rest := d.data[d.at:]
	if len(rest) < 2 {
		return nil, errShort
	}
	n := int(rest[0])<<8 | int(rest[1])
	if n < 2 || n > len(rest) {
		return nil, errShort
	}
	d.at += n
	return rest[2:n], nil
}

func (d *decoder) segment(marker byte, body []byte) error {
	switch {
	case marker == sof0, marker == sof1, marker == sof2:
		d.progressive = marker == sof2
		if err := d.frame(body); err != nil || d.sizeOnly {
			return err
		}
		return d.allocate()
	case marker == dht:
		return d.huffmanTables(body)
	case marker == dqt:
		return d.quantTables(body)
	case marker == dri:
		if len(body) < 2 {
			return errShort
		}
		d.restart = int(body[0])<<8 | int(body[1])
	case marker == sos:
		return d.scan(body)
	case marker == app0 && len(body) >= 5 && string(body[:5]) == "JFIF\x00":
		d.jfif = true
	case marker == app14 && len(body) >= 12 && string(body[:5]) == "Adobe":
		d.adobe, d.transform = true, body[11]
	case marker == dnl:
		return errors.New("an image whose height follows later is not supported")
	case marker >= sof0 && marker <= sof15 && marker != jpg && marker != dac:
		return fmt.Errorf("frames of type SOF%d (lossless, hierarchical or arithmetic-coded) are not supported", marker-sof0)
	}
	return nil
}

// quantTables reads quantization tables (T.81, B.2.4.1).
func (d *decoder) quantTables(body []byte) error {
	for len(body) > 0 {
		precision, id := body[0]>>4, body[0]&15
		size := 64 << precision
		if precision > 1 || id > 3 {
			return fmt.Errorf("quantization table %d of precision %d: both must be in range", id, precision)
		}
		if len(body) < 1+size {
			return errShort
		}
		table := new([64]int32)
		for i, k := range zigzag {
			if precision == 0 {
				table[k] = int32(body[1+i])
			} else {
				table[k] = int32(body[1+2*i])<<8 | int32(body[2+2*i])
			}
		}
		d.quant[id] = table
		body = body[1+size:]
	}
	return nil
}

// frame reads the size of the image and its components (T.81, B.2.2).
func (d *decoder) frame(body []byte) error {
	if d.components != nil {
		return errors.New("there is a second frame")
	}
	if len(body) < 6 {
		return errShort
	}
	if body[0] != 8 {
		return fmt.Errorf("%d bits per sample: only 8 are supported", body[0])
	}
	d.height, d.width = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	n := int(body[5])
	if len(body) != 6+3*n {
		return errShort
	}
	if d.width == 0 || d.height == 0 || n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("a frame of %d × %d pixels with %d components", d.width, d.height, n)
	}
	for i := range n {
		spec := body[6+3*i:]
		c := &component{id: spec[0], h: int(spec[1] >> 4), v: int(spec[1] & 15), table: spec[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return fmt.Errorf("component %d has sampling factors %d × %d and quantization table %d", c.id, c.h, c.v, c.table)
		}
		d.hMax, d.vMax = max(d.hMax, c.h), max(d.vMax, c.v)
		d.components = append(d.components, c)
	}
	return nil
}

// allocate sizes the components. Every block takes at least a bit of data, which
// bounds the memory that a short file can ask for.
func (d *decoder) allocate() error {
	mcusWide, mcusHigh := d.mcus()
	blocks := 0
	for _, c := range d.components {
		c.width, c.height = ceilDiv(d.width*c.h, d.hMax), ceilDiv(d.height*c.v, d.vMax)
		c.wide, c.high = mcusWide*c.h, mcusHigh*c.v
		blocks += ceilDiv(c.width, 8) * ceilDiv(c.height, 8)
	}
	if blocks > 8*len(d.data) {
		return fmt.Errorf("%d bytes are too few for %d × %d pixels", len(d.data), d.width, d.height)
	}
	for _, c := range d.components {
		c.coefficients = make([]int16, c.wide*c.high*64)
	}
	return nil
}

// mcus returns how many minimum coded units of an interleaved scan the image
// has across and down.
func (d *decoder) mcus() (wide, high int) {
	return ceilDiv(d.width, 8*d.hMax), ceilDiv(d.height, 8*d.vMax)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// zigzag gives the place in natural order, row by row, of the i-th coefficient
// in the order of the file (T.81, figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}
