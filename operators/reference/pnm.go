package reference

import (
	"errors"
	"fmt"
	"image"
	"io"
)

// decodePNM decodes the portable formats of Netpbm: bitmaps (P1, P4), grey maps
// (P2, P5) and pixel maps (P3, P6), the latter of each pair in binary. Samples
// are scaled to 8 bits.
func decodePNM(r io.Reader) (image.Image, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(data) < 2 || data[0] != 'P' || data[1] < '1' || data[1] > '6' {
		return nil, errors.New("pnm: the data does not begin with P1 to P6")
	}
	p := &pnm{data: data, at: 2, kind: data[1]}
	if p.width, err = p.number(); err == nil {
		p.height, err = p.number()
	}
	if p.highest = 1; err == nil && p.kind != '1' && p.kind != '4' {
		p.highest, err = p.number()
	}
	if err != nil {
		return nil, err
	}
	if p.highest < 1 || p.highest > 65535 || p.height > 0 && p.width > 8*len(data)/p.height {
		return nil, fmt.Errorf("pnm: %d bytes for %d × %d samples up to %d", len(data), p.width, p.height, p.highest)
	}
	return p.pixels()
}

type pnm struct {
	data                   []byte
	at                     int
	kind                   byte // '1' to '6'
	width, height, highest int
}

var errPNM = errors.New("pnm: the data ends early")

// number reads a decimal number behind white space and comments.
func (p *pnm) number() (int, error) {
	if err := p.skip(); err != nil {
		return 0, err
	}
	n, digits := 0, 0
	for ; p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '9'; p.at++ {
		if n, digits = 10*n+int(p.data[p.at]-'0'), digits+1; digits > 9 {
			return 0, errors.New("pnm: a number has more than 9 digits")
		}
	}
	if digits == 0 {
		return 0, fmt.Errorf("pnm: byte %d is no digit", p.at)
	}
	return n, nil
}

// skip goes to the next character that is neither white space nor comment.
func (p *pnm) skip() error {
	comment := false
	for ; p.at < len(p.data); p.at++ {
		switch c := p.data[p.at]; {
		case comment:
			comment = c != '\n' && c != '\r'
		case c == '#':
			comment = true
		case c != ' ' && (c < '\t' || c > '\r'):
			return nil
		}
	}
	return errPNM
}

// pixels reads the samples, which in binary begin behind one character of white
// space.
func (p *pnm) pixels() (image.Image, error) {
	channels, sample := 1, p.binary
	switch p.kind {
	case '1':
		sample = p.bit
	case '2':
		sample = p.number
	case '3':
		channels, sample = 3, p.number
	case '6':
		channels = 3
	}
	least := p.width * p.height * channels // bytes that the samples take
	if p.kind >= '4' {
		p.at++
	}
	if p.kind == '4' {
		return p.packed()
	}
	if p.kind > '4' && p.highest > 255 {
		least *= 2
	}
	if least > len(p.data)-p.at {
		return nil, errPNM
	}
	scaled := make([]uint8, p.width*p.height*channels)
	for i := range scaled {
		v, err := sample()
		if err != nil {
			return nil, err
		}
		scaled[i] = uint8((2*255*min(v, p.highest) + p.highest) / (2 * p.highest))
	}
	size := image.Rect(0, 0, p.width, p.height)
	if channels == 1 {
		return &image.Gray{Pix: scaled, Stride: p.width, Rect: size}, nil
	}
	img := image.NewRGBA(size)
	for i := range p.width * p.height {
		copy(img.Pix[4*i:], []uint8{scaled[3*i], scaled[3*i+1], scaled[3*i+2], 255})
	}
	return img, nil
}

// binary reads a sample of one byte or, where they go beyond 255, two.
func (p *pnm) binary() (int, error) {
	v := int(p.data[p.at])
	if p.at++; p.highest > 255 {
		v = v<<8 | int(p.data[p.at])
		p.at++
	}
	return v, nil
}

// bit reads a digit of a bitmap, in which 1 is black, as a sample.
func (p *pnm) bit() (int, error) {
	if err := p.skip(); err != nil {
		return 0, err
	}
	p.at++
	switch p.data[p.at-1] {
	case '0':
		return 1, nil
	case '1':
		return 0, nil
	}
	return 0, fmt.Errorf("pnm: byte %d is neither 0 nor 1", p.at-1)
}

// packed reads a binary bitmap: eight pixels a byte, the first in the highest
// bit, rows filled up to whole bytes.
func (p *pnm) packed() (image.Image, error) {
	stride := (p.width + 7) / 8
	rows := p.data[min(p.at, len(p.data)):]
	if len(rows) < stride*p.height {
		return nil, errPNM
	}
	img := image.NewGray(image.Rect(0, 0, p.width, p.height))
	for i := range img.Pix {
		x, y := i%p.width, i/p.width
		if rows[y*stride+x/8]>>(7-x%8)&1 == 0 {
			img.Pix[i] = 255
		}
	}
	return img, nil
}
