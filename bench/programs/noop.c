/* The cheapest job there is: what remains is the cost of starting a program. */
int main(void) {
  return 0;
}
