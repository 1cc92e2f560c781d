package jpeg

import (
	"errors"
	"fmt"
)

// scan is one pass over the blocks of some components.
type scan struct {
	*decoder
	bits
	parts      []part
	first, end int   // the band of coefficients, in the file's order
	high, low  uint8 // successive approximation: bits known before and after
	eobRun     int32 // blocks still to come whose band has ended
}

// part is one component in a scan.
type part struct {
	*component
	dc, ac     *huffman
	prediction int32 // of the next DC coefficient
}

// scan reads the header of a scan (T.81, B.2.3) and the data behind it.
func (d *decoder) scan(body []byte) error {
	if d.components == nil {
		return errors.New("a scan comes before the frame")
	}
	if len(body) < 1 || len(body) != 4+2*int(body[0]) {
		return errShort
	}
	n := int(body[0])
	tail := body[1+2*n:]
	s := &scan{decoder: d, first: int(tail[0]), end: int(tail[1]), high: tail[2] >> 4, low: tail[2] & 15}
	if !d.progressive {
		s.first, s.end, s.high, s.low = 0, 63, 0, 0
	}
	if n < 1 || s.first > s.end || s.end > 63 || s.low > 13 || s.first == 0 && s.end > 0 && d.progressive || s.first > 0 && n > 1 {
		return fmt.Errorf("a scan of %d components, coefficients %d to %d, bits %d to %d", n, s.first, s.end, s.high, s.low)
	}
	for i := range n {
		if err := s.add(body[1+2*i], body[2+2*i]); err != nil {
			return err
		}
	}
	s.bits = bits{data: d.data, at: d.at}
	if err := s.blocks(); err != nil {
		return err
	}
	d.at = s.bits.at
	d.scans++
	return nil
}

// add adds the component of an id with the Huffman tables that it names.
func (s *scan) add(id, tables uint8) error {
	for _, c := range s.components {
		if c.id != id {
			continue
		}
		if tables>>4 > 3 || tables&15 > 3 {
			return fmt.Errorf("component %d names the Huffman tables %d and %d", id, tables>>4, tables&15)
		}
		p := part{component: c, dc: s.huffman[0][tables>>4], ac: s.huffman[1][tables&15]}
		if s.first == 0 && s.high == 0 && p.dc == nil || s.end > 0 && p.ac == nil {
			return fmt.Errorf("component %d names a Huffman table that is not there", id)
		}
		for _, other := range s.parts {
			if other.component == c {
				return fmt.Errorf("component %d is twice in a scan", id)
			}
		}
		if c.quant == nil {
			if c.quant = s.quant[c.table]; c.quant == nil {
				return fmt.Errorf("component %d names quantization table %d, which is not there", id, c.table)
			}
		}
		s.parts = append(s.parts, p)
		return nil
	}
	return fmt.Errorf("a scan has component %d, which the frame has not", id)
}

// blocks reads every block of the scan. A scan of one component has just the
// blocks that its samples need, row by row; others have MCUs of h × v blocks of
// each component (T.81, A.2).
func (s *scan) blocks() error {
	wide, high := s.mcus()
	single := len(s.parts) == 1
	if single {
		c := s.parts[0].component
		wide, high = ceilDiv(c.width, 8), ceilDiv(c.height, 8)
	}
	for i := range wide * high {
		if s.restart > 0 && i > 0 && i%s.restart == 0 {
			if err := s.resume(i/s.restart - 1); err != nil {
				return err
			}
		}
		x, y := i%wide, i/wide
		for k := range s.parts {
			p := &s.parts[k]
			h, v := p.h, p.v
			if single {
				h, v = 1, 1
			}
			for b := range h * v {
				if err := s.block(p, p.block(x*h+b%h, y*v+b/h)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// resume expects the i-th restart marker, behind which everything begins anew.
func (s *scan) resume(i int) error {
	data, at := s.bits.data, s.bits.at
	for at+1 < len(data) && data[at] == 0xFF && data[at+1] == 0xFF {
		at++
	}
	if want := byte(rst0 + i%8); at+1 >= len(data) || data[at] != 0xFF || data[at+1] != want {
		return fmt.Errorf("restart marker %d is not where it should be", i%8)
	}
	s.bits = bits{data: data, at: at + 2}
	s.eobRun = 0
	for k := range s.parts {
		s.parts[k].prediction = 0
	}
	return nil
}

// block reads what the scan has of one block.
func (s *scan) block(p *part, b []int16) error {
	switch {
	case s.first == 0 && s.high == 0:
		if err := s.dcFirst(p, b); err != nil {
			return err
		}
		if s.end == 0 {
			return nil
		}
		return s.acFirst(p.ac, b, 1)
	case s.first == 0:
		bit, err := s.take(1)
		b[0] |= int16(bit << s.low)
		return err
	case s.high == 0:
		return s.acFirst(p.ac, b, s.first)
	}
	return s.acRefine(p.ac, b)
}

// dcFirst reads the DC coefficient as the difference to that of the block before
// (T.81, F.2.2.1 and G.1.2.1).
func (s *scan) dcFirst(p *part, b []int16) error {
	n, err := s.symbol(p.dc)
	if err != nil {
		return err
	}
	difference, err := s.signed(n)
	p.prediction += difference
	b[0] = int16(p.prediction << s.low)
	return err
}

// acFirst reads AC coefficients from the k-th on, each behind a run of zeros
// (T.81, F.2.2.2 and, with runs of ended bands, G.1.2.2).
func (s *scan) acFirst(h *huffman, b []int16, k int) error {
	if s.eobRun > 0 {
		s.eobRun--
		return nil
	}
	for ; k <= s.end; k++ {
		code, err := s.symbol(h)
		if err != nil {
			return err
		}
		run, size := int(code>>4), code&15
		if size == 0 && run < 15 {
			return s.endBand(run)
		}
		if k += run; size == 0 {
			continue
		}
		if k > s.end {
			return errors.New("a block has more coefficients than its band")
		}
		v, err := s.signed(size)
		if err != nil {
			return err
		}
		b[zigzag[k]] = int16(v << s.low)
	}
	return nil
}

// endBand begins a run of 2^n to 2^(n+1)-1 blocks without further coefficients,
// this one being the first. Only progressive images have n > 0.
func (s *scan) endBand(n int) error {
	extra, err := s.take(n)
	if n > 0 && !s.progressive {
		return errors.New("a sequential image has a run of ended blocks")
	}
	s.eobRun = 1<<n + extra - 1
	return err
}

// acRefine reads one more bit of the coefficients of the band that are known
// not to be 0, and those whose first bit this is (T.81, G.1.2.3).
func (s *scan) acRefine(h *huffman, b []int16) error {
	k := s.first
	for ; k <= s.end && s.eobRun == 0; k++ {
		code, err := s.symbol(h)
		if err != nil {
			return err
		}
		run, size := int(code>>4), code&15
		fresh := int16(0)
		switch {
		case size > 1:
			return fmt.Errorf("a coefficient begins with %d bits, but must with one", size)
		case size == 1:
			sign, err := s.take(1)
			if err != nil {
				return err
			}
			if fresh = -1 << s.low; sign == 1 {
				fresh = 1 << s.low
			}
		case run < 15:
			if err := s.endBand(run); err != nil {
				return err
			}
			s.eobRun++ // this block's rest is refined below
		}
		if s.eobRun > 0 {
			break
		}
		if k, err = s.refine(b, k, run); err != nil {
			return err
		}
		if fresh != 0 {
			if k > s.end {
				return errors.New("a block has more coefficients than its band")
			}
			b[zigzag[k]] = fresh
		}
	}
	if s.eobRun > 0 {
		s.eobRun--
		_, err := s.refine(b, k, 64)
		return err
	}
	return nil
}

// refine reads a bit for every coefficient from the k-th on that is not 0, up to
// the one behind run zeros, and returns its place.
func (s *scan) refine(b []int16, k, run int) (int, error) {
	for ; k <= s.end; k++ {
		at := &b[zigzag[k]]
		if *at == 0 {
			if run == 0 {
				break
			}
			run--
			continue
		}
		bit, err := s.take(1)
		if err != nil {
			return k, err
		}
		if bit == 1 && *at>>s.low&1 == 0 {
			if *at > 0 {
				*at += 1 << s.low
			} else {
				*at -= 1 << s.low
			}
		}
	}
	return k, nil
}
