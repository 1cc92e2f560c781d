package decompose

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{}
