/* The cheapest possible job, to measure the cost of starting a program. */
int main(void) {
  return 0;
}
