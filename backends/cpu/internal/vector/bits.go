package vector

import "encoding/binary"

// quarters are the four numbers of two bits in a byte, the first one in the low
// bits, a byte each.
var quarters = func() (table [256]uint32) {
	for q := range uint32(256) {
		table[q] = q&3 | q>>2&3<<8 | q>>4&3<<16 | q>>6<<24
	}
	return table
}()

// Unpack sets dst to numbers of so many bits, at most 8, that lie behind each other
// in q, the first one in the low bits.
func Unpack(dst, q []byte, bits int) {
	switch bits {
	case 2:
		for len(dst) >= 4 {
			binary.LittleEndian.PutUint32(dst, quarters[q[0]])
			dst, q = dst[4:], q[1:]
		}
	case 4:
		for i, b := range q[:len(dst)/2] {
			pair := dst[2*i:][:2]
			pair[0], pair[1] = b&15, b>>4
		}
		dst, q = dst[len(dst)&^1:], q[len(dst)/2:]
	case 8:
		copy(dst, q[:len(dst)])
		return
	}
	held, count := uint(0), 0
	for i := range dst {
		if count < bits {
			held |= uint(q[0]) << count
			count += 8
			q = q[1:]
		}
		dst[i] = byte(held & (1<<bits - 1))
		held >>= bits
		count -= bits
	}
}
