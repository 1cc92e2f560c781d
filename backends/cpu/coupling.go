package cpu

import "math"

// couplingRoom is how many numbers the coupling of n classes works in.
func couplingRoom(n int) int { return n * (n + 2) }

// couple turns the scores of pairs of classes into probabilities of the classes:
// Platt's sigmoid 1/(1+exp(a·s+b)) for each pair, coupled by T.-F. Wu, C.-J. Lin and
// R. C. Weng, "Probability Estimates for Multi-class Classification by Pairwise
// Coupling" (2004), algorithm 2, with the bounds of LIBSVM: p minimises pᵀQp, in at
// most 100 rounds, until no component of Qp is 0.005/n away from pᵀQp.
func (m *machine) couple(probabilities, pairs []float32, room []float64) {
	n := len(probabilities)
	q, p, qp := room[:n*n], room[n*n:][:n], room[n*n+n:][:n]
	m.fillCoupling(q, pairs, n)
	for t := range p {
		p[t] = 1 / float64(n)
	}
	for range max(100, n) {
		pqp, worst := 0.0, 0.0
		for t := range p {
			qp[t] = 0
			for j, v := range p {
				qp[t] += q[t*n+j] * v
			}
			pqp += p[t] * qp[t]
		}
		for _, v := range qp {
			worst = max(worst, math.Abs(v-pqp))
		}
		if worst < 0.005/float64(n) {
			break
		}
		for t := range p {
			diagonal := q[t*n+t]
			step := (pqp - qp[t]) / diagonal
			p[t] += step
			pqp = (pqp + step*(step*diagonal+2*qp[t])) / ((1 + step) * (1 + step))
			for j := range p {
				qp[j] = (qp[j] + step*q[t*n+j]) / (1 + step)
				p[j] /= 1 + step
			}
		}
	}
	for t, v := range p {
		probabilities[t] = float32(v)
	}
}

// fillCoupling fills the matrix Q of n classes: with r[i][j] the probability of i
// between i and j, Q[t][t] = Σ r[j][t]² and Q[t][j] = -r[j][t] r[t][j].
func (m *machine) fillCoupling(q []float64, pairs []float32, n int) {
	const closest = 1e-7 // to 0 or 1 that a pair's probability may come
	clear(q)
	pair := 0
	for i := range n {
		for j := i + 1; j < n; j++ {
			r := min(max(logistic(-(float64(pairs[pair])*float64(m.probA[pair])+float64(m.probB[pair]))), closest), 1-closest)
			q[i*n+j], q[j*n+i] = -r*(1-r), -r*(1-r)
			q[i*n+i] += (1 - r) * (1 - r)
			q[j*n+j] += r * r
			pair++
		}
	}
}
