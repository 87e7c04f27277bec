// SPDX-License-Identifier: Apache-2.0
// model_size: bytes of what an open stream keeps in memory to code with.
#include "wire/batch_model.h"

#include <cstdio>

int main() {
    using namespace candor::wire;
    std::printf("{\"model\": %zu, \"shapes\": %zu, \"keys\": %zu, \"values\": %zu, \"times\": %zu}\n",
                sizeof(BatchModel), sizeof(ShapeColumn), sizeof(KeyColumn), sizeof(ValueColumn), sizeof(TimeColumn));
    return 0;
}
