package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// planes writes the functions that give each of up to 64 channels a filter of its
// own, with the instruction that adds four products of bytes (AVX-512 VNNI). The
// bytes of four taps are brought next to each other by unpacking them, within 128
// bits at a time: register k of sums then holds channels 4k to 4k+3 of every 16.
// Packing the results as bytes undoes that.
func planes() {
	for _, f := range []struct {
		name string
		pack func(...Op)
	}{{"planesUnsigned", VPACKUSWB}, {"planesSigned", VPACKSSWB}} {
		const signature = "(dst, image *uint8, weights *int8, offsets *int64, quads int, start *int32, factor *float32, columns, step, dstStep int, mask uint64, zero int32, low, high float32)"
		TEXT(f.name, NOSPLIT, "func"+signature)
		writePlanes(&lanes{m: machine.AVX512}, f.pack)
		VZEROUPPER()
		RET()
		machine.Stub(f.name, signature, "sets each of columns × channels in mask to clip(round(sum × factor[j]) + zero), where sum is\nstart[j] + Σ weights × image over quads of taps: low and high are the bounds less zero.")
	}
}

func writePlanes(l *lanes, pack func(...Op)) {
	mask := Load(Param("mask"), GP64()).(reg.GPVirtual)
	KMOVQ(mask, reg.K5)
	for _, k := range []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3, reg.K4} {
		KMOVW(mask.As32(), k)
		SHRQ(U8(16), mask)
	}
	start, factor := l.inQuads("start"), l.inQuads("factor")
	low, high, zero := l.spread("low", VBROADCASTSS), l.spread("high", VBROADCASTSS), l.spread("zero", VBROADCASTSS)
	dst, image, columns := l.address("dst"), l.address("image"), l.address("columns")
	Label("pixel")
	var sums, taps [4]reg.VecVirtual
	for k := range sums {
		sums[k] = l.whole()
		VMOVDQU32(start[k], sums[k])
	}
	weights, offsets, quads, at := l.address("weights"), l.address("offsets"), l.address("quads"), GP64()
	Label("quad")
	for i := range taps {
		taps[i] = l.whole()
		MOVQ(Mem{Base: offsets, Disp: 8 * i}, at)
		VMOVDQU8_Z(Mem{Base: image, Index: at, Scale: 1}, reg.K5, taps[i])
	}
	var pairs [2][2]reg.VecVirtual // of taps 2i and 2i + 1: channels 0 to 7, and 8 to 15 of every 16
	for i := range pairs {
		pairs[i] = [2]reg.VecVirtual{l.whole(), l.whole()}
		VPUNPCKLBW(taps[2*i+1], taps[2*i], pairs[i][0])
		VPUNPCKHBW(taps[2*i+1], taps[2*i], pairs[i][1])
	}
	v := l.whole()
	for k, sum := range sums {
		if k%2 == 0 {
			VPUNPCKLWD(pairs[1][k/2], pairs[0][k/2], v)
		} else {
			VPUNPCKHWD(pairs[1][k/2], pairs[0][k/2], v)
		}
		VPDPBUSD(Mem{Base: weights, Disp: 64 * k}, v, sum)
	}
	ADDQ(U32(4*64), weights)
	ADDQ(U32(4*8), offsets)
	SUBQ(U32(1), quads)
	JNE(LabelRef("quad"))
	for k, sum := range sums {
		VCVTDQ2PS(sum, sum)
		VMULPS(factor[k], sum, sum)
		VMAXPS(low, sum, sum) // low for NaN
		VMINPS(high, sum, sum)
		VCVTPS2DQ(sum, sum)
		VPADDD(zero, sum, sum)
	}
	VPACKSSDW(sums[1], sums[0], sums[0])
	VPACKSSDW(sums[3], sums[2], sums[2])
	pack(sums[2], sums[0], sums[0])
	VMOVDQU8(sums[0], reg.K5, Mem{Base: dst})
	ADDQ(l.argument("step"), image)
	ADDQ(l.argument("dstStep"), dst)
	SUBQ(U32(1), columns)
	JNE(LabelRef("pixel"))
}

// inQuads loads the words of 64 channels in the order of sums.
func (l *lanes) inQuads(name string) [4]reg.VecVirtual {
	from := l.address(name)
	var in, halves, out [4]reg.VecVirtual
	for i := range in {
		in[i], halves[i], out[i] = l.whole(), l.whole(), l.whole()
		VMOVUPS_Z(Mem{Base: from, Disp: 64 * i}, []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3, reg.K4}[i], in[i])
	}
	for i := range 2 { // lanes 0 and 1, then 2 and 3, of two registers each
		VSHUFI32X4(U8(0x44), in[2*i+1], in[2*i], halves[i])
		VSHUFI32X4(U8(0xEE), in[2*i+1], in[2*i], halves[2+i])
	}
	for i := range 2 {
		VSHUFI32X4(U8(0x88), halves[2*i+1], halves[2*i], out[2*i])
		VSHUFI32X4(U8(0xDD), halves[2*i+1], halves[2*i], out[2*i+1])
	}
	return out
}
