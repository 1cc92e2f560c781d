package jpeg

import (
	"errors"
	"fmt"
)

// huffman is a Huffman table (T.81, annex C): the codes of each length are
// consecutive numbers.
type huffman struct {
	last   [17]int32 // the highest code of each length, -1 if there is none
	offset [17]int32 // what to add to a code of each length for its place in values
	values []uint8
}

// huffmanTables reads Huffman tables (T.81, B.2.4.2).
func (d *decoder) huffmanTables(body []byte) error {
	for len(body) > 0 {
		class, id := body[0]>>4, body[0]&15
		if class > 1 || id > 3 {
			return fmt.Errorf("Huffman table %d of class %d: both must be in range", id, class)
		}
		if len(body) < 17 {
			return errShort
		}
		h := &huffman{}
		code, count := int32(0), int32(0)
		for n := 1; n <= 16; n++ {
			k := int32(body[n])
			h.offset[n], h.last[n] = count-code, -1
			if code, count = code+k, count+k; k > 0 {
				h.last[n] = code - 1
			}
			if code > 1<<n {
				return fmt.Errorf("Huffman table %d has more codes of length %d than there are", id, n)
			}
			code <<= 1
		}
		if len(body) < 17+int(count) {
			return errShort
		}
		h.values = body[17 : 17+count]
		d.huffman[class][id] = h
		body = body[17+count:]
	}
	return nil
}

// bits reads entropy-coded data up to the next marker, bit by bit, the highest
// bit of a byte first. A zero byte behind 0xFF is left out.
type bits struct {
	data []byte
	at   int
	held uint64 // the next bits, in the low places
	n    int    // how many are held
	pad  int    // how many of them, the last ones, lie behind the data's end
}

var errBits = errors.New("the entropy-coded data ends early")

// need holds at least n <= 16 bits.
func (b *bits) need(n int) {
	for b.n < n {
		b.held, b.n = b.held<<8, b.n+8
		switch {
		case b.at >= len(b.data), b.data[b.at] == 0xFF && (b.at+1 >= len(b.data) || b.data[b.at+1] != 0):
			b.pad += 8
		case b.data[b.at] == 0xFF:
			b.held |= 0xFF
			b.at += 2
		default:
			b.held |= uint64(b.data[b.at])
			b.at++
		}
	}
}

// take returns the next n <= 16 bits.
func (b *bits) take(n int) (int32, error) {
	b.need(n)
	if b.n-n < b.pad {
		return 0, errBits
	}
	b.n -= n
	return int32(b.held >> b.n & (1<<n - 1)), nil
}

// symbol returns the value of the next code.
func (b *bits) symbol(h *huffman) (uint8, error) {
	b.need(16)
	window := int32(b.held >> (b.n - 16) & 0xFFFF)
	for n := 1; n <= 16; n++ {
		code := window >> (16 - n)
		if code > h.last[n] {
			continue
		}
		if b.n-n < b.pad {
			return 0, errBits
		}
		b.n -= n
		return h.values[code+h.offset[n]], nil
	}
	if b.pad > 0 {
		return 0, errBits
	}
	return 0, errors.New("the entropy-coded data has a code that its Huffman table has not")
}

// signed returns the next n bits as a number of n bits that tells its sign by
// the highest one (T.81, F.2.2.1, EXTEND).
func (b *bits) signed(n uint8) (int32, error) {
	if n > 15 {
		return 0, fmt.Errorf("a coefficient of %d bits: there are at most 15", n)
	}
	v, err := b.take(int(n))
	if n > 0 && v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v, err
}
