package orchard;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public final class Orchard {
    private final List<Tree> trees = new ArrayList<>();
    private final Map<String, Double> store = new HashMap<>();

    /**
     * Plants a sapling unless another one stands too close for its roots to spread.
     */
    public boolean plant(Tree sapling, double spacing) {
        for (Tree other : trees) {
            if (distance(other, sapling) < spacing) {
                return false;
            }
        }
        return trees.add(sapling);
    }

    /**
     * Measures the straight line between two trunks in metres.
     */
    static double distance(Tree a, Tree b) {
        double dx = a.x - b.x;
        double dy = a.y - b.y;
        return Math.sqrt(dx * dx + dy * dy);
    }

    /**
     * Brings the ripe fruit of one sort into the barn and returns the weight.
     */
    public double harvest(String sort, LocalDate day) {
        double picked = 0;
        for (Tree tree : trees) {
            if (tree.sort.equals(sort) && isRipe(tree, day)) {
                picked += tree.load;
                tree.load = 0;
            }
        }
        store.merge(sort, picked, Double::sum);
        return picked;
    }

    /**
     * Decides by days since blossom whether apples can be picked.
     */
    static boolean isRipe(Tree tree, LocalDate day) {
        long days = day.toEpochDay() - tree.blossom.toEpochDay();
        return tree.load > 0
                && days >= tree.ripening;
    }

    /**
     * Takes fruit out of the barn for a customer, never more than is there.
     */
    public double sell(String sort, double wanted) {
        double stock = store.getOrDefault(sort, 0.0);
        double sold = Math.min(stock, wanted);
        store.put(sort, stock - sold);
        return sold;
    }

    /**
     * Lowers the stock by what rots in a week of storage.
     */
    public void spoil(double share) {
        for (Map.Entry<String, Double> entry : store.entrySet()) {
            double left = entry.getValue() * (1 - share);
            entry.setValue(left < 0.1 ? 0 : left);
        }
    }

    /**
     * Fells every trunk past the given age and lists them, oldest first.
     */
    public List<Tree> fell(int age, int year) {
        List<Tree> old = new ArrayList<>();
        for (Tree tree : trees) {
            if (year - tree.planted > age) {
                old.add(tree);
            }
        }
        trees.removeAll(old);
        old.sort(Comparator.comparingInt(t -> t.planted));
        return old;
    }

    /**
     * Forecasts the crop of the coming season from age and the number of frost nights.
     */
    public double forecast(int year, int frostNights) {
        double expected = 0;
        for (Tree tree : trees) {
            int age = year - tree.planted;
            double full = age < 4 ? 0 : Math.min(60, age * 6.0);
            expected += full;
        }
        return expected * Math.pow(0.97, frostNights);
    }

    /**
     * Groups the trunks by sort so that neighbours for pollination can be checked.
     */
    public Map<String, List<Tree>> bySort() {
        Map<String, List<Tree>> groups = new HashMap<>();
        for (Tree tree : trees) {
            groups.computeIfAbsent(tree.sort, s -> new ArrayList<>()).add(tree);
        }
        return groups;
    }

    /**
     * Finds flowering partners of another sort within flight of a bee.
     */
    public List<Tree> partners(Tree tree, double flight) {
        List<Tree> found = new ArrayList<>();
        for (Tree other : trees) {
            boolean differs = !other.sort.equals(tree.sort);
            if (differs && distance(tree, other) <= flight) {
                found.add(other);
            }
        }
        return found;
    }

    /**
     * Describes the whole plantation in one line for the notice board.
     */
    public String summary() {
        double kilos = 0;
        for (double weight : store.values()) {
            kilos += weight;
        }
        return trees.size() + " trees, " + Math.round(kilos) + " kg in the barn";
    }
}
